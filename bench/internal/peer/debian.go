//go:build linux

package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// debian finds a file of a Debian package: unpacked beside the benchmark, or
// installed. It is "" where there is neither.
func debian(e Env, name string) string {
	for _, root := range []string{unpacked(e), "/"} {
		file := filepath.Join(root, name)
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

func unpacked(e Env) string { return filepath.Join(e.Root, "bench", "peers", ".debian") }

// libraries is the environment in which unpacked programs find theirs.
func libraries(e Env) []string {
	dirs, _ := filepath.Glob(filepath.Join(unpacked(e), "usr", "lib", "*-linux-gnu*"))
	return []string{"LD_LIBRARY_PATH=" + strings.Join(dirs, ":")}
}

// debianVersion is what the package lists say, for the report.
func debianVersion(name string) string {
	out, err := exec.Command("apt-cache", "show", "--no-all-versions", name).Output()
	if err != nil {
		return "of unknown version"
	}
	for line := range strings.Lines(string(out)) {
		if v, ok := strings.CutPrefix(line, "Version: "); ok {
			return strings.TrimSpace(v)
		}
	}
	return "of unknown version"
}
