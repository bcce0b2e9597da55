//go:build linux

package machine

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Info is what a table says about where it was measured.
type Info struct {
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	// Syscall is what the cheapest system call costs in nanoseconds. Machines of
	// one name differ in it tenfold, and a delivery is mostly a system call.
	Syscall float64 `json:"syscall_ns"`
}

// Describe reads the machine's kind; it has no name or address in it.
func Describe() Info {
	info := Info{CPUs: runtime.NumCPU(), Go: runtime.Version(), Syscall: syscallCost()}
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
	return fmt.Sprintf("%s, %d CPUs, %s (%.2f µs a system call), %s", i.CPU, i.CPUs, i.Kernel, i.Syscall/1000, i.Go)
}

func syscallCost() float64 {
	const calls = 20_000
	start := time.Now()
	for range calls {
		_, _, _ = unix.RawSyscall(unix.SYS_GETPPID, 0, 0, 0)
	}
	return float64(time.Since(start)) / calls
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
