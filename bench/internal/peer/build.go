//go:build linux

package peer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// packages that become binaries, by the server that needs them.
var packages = map[string]string{
	"floor":       "./bench/cmd/floor",
	"floor-merge": "./bench/cmd/floor",
	"naive":       "./bench/cmd/naive",
	"wsgate":      "./cmd/caddy",

	"wsgate-tls":     "./cmd/caddy",
	"wsgate-deflate": "./cmd/caddy",

	"wsgate-centrifuge": "./cmd/caddy",

	"nodes-1":   "./bench/cmd/nodes",
	"nodes-10":  "./bench/cmd/nodes",
	"nodes-30":  "./bench/cmd/nodes",
	"nodes-100": "./bench/cmd/nodes",
}

// Root is the folder of this module.
func Root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	file := strings.TrimSpace(string(out))
	if err != nil || file == "" || file == os.DevNull {
		return "", fmt.Errorf("peer: run this inside the module: %w", err)
	}
	return filepath.Dir(file), nil
}

// Build compiles what the named servers need into bin. A server that doesn't
// compile fails when it is started, and not before.
func Build(root, bin string, names []string) error {
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	for _, name := range names {
		pkg, ok := packages[name]
		if !ok {
			continue
		}
		cmd := exec.Command("go", "build", "-o", binary(bin, name), pkg)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil {
			_ = os.Remove(binary(bin, name))
			fmt.Fprintf(os.Stderr, "bench: %s does not compile:\n%s\n", pkg, out)
		}
	}
	return nil
}

// binary is where a server's program is; the name tells processes apart.
func binary(bin, name string) string { return filepath.Join(bin, filepath.Base(packages[name])) }

// built is binary where Build made it.
func built(bin, name string) (string, error) {
	file := binary(bin, name)
	if _, err := os.Stat(file); err != nil {
		return "", errNotBuilt
	}
	return file, nil
}
