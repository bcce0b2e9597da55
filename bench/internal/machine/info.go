//go:build linux

package machine

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Info is what a table says about where it was measured.
type Info struct {
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

// Describe reads the machine's kind; it has no name or address in it.
func Describe() Info {
	info := Info{CPUs: runtime.NumCPU(), Go: runtime.Version()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		release, _, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), "-")
		info.Kernel = "Linux " + release
	}
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range bytes.Lines(b) {
		if k, v, ok := strings.Cut(string(line), ":"); ok && strings.TrimSpace(k) == "model name" {
			info.CPU = strings.TrimSpace(v)
			break
		}
	}
	return info
}

// String is one line for a report.
func (i Info) String() string {
	return fmt.Sprintf("%s, %d CPUs, %s, %s", i.CPU, i.CPUs, i.Kernel, i.Go)
}

// OpenFiles raises the limit of open files as far as this process may, and
// returns it.
func OpenFiles() uint64 {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) != nil {
		return 1024
	}
	if r.Cur < r.Max {
		r.Cur = r.Max
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &r)
	}
	return r.Cur
}
