//go:build linux

package machine

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of the user and system times in /proc. It is 100 a second on
// every architecture Go runs on.
const tick = 10 * time.Millisecond

// CPU is processor time used so far.
type CPU struct {
	// Total is exact: the scheduler's own sum.
	Total time.Duration
	// User is in steps of 10 ms.
	User time.Duration
}

// Sub is what was used since earlier.
func (c CPU) Sub(earlier CPU) CPU {
	return CPU{Total: c.Total - earlier.Total, User: c.User - earlier.User}
}

// Processes adds up the time of processes, their ended threads included. A
// process that has ended counts nothing.
func Processes(pids []int) CPU {
	var sum CPU
	for _, pid := range pids {
		var ts unix.Timespec
		if unix.ClockGettime(clockOf(pid), &ts) == nil {
			sum.Total += time.Duration(ts.Nano())
		}
		if f := stat(pid); len(f) > 12 {
			user, _ := strconv.ParseInt(string(f[11]), 10, 64)
			sum.User += time.Duration(user) * tick
		}
	}
	return sum
}

// clockOf is the CPU-time clock of another process, as clock_getcpuclockid(3)
// makes it: its scheduler clock (2) for the whole thread group.
func clockOf(pid int) int32 { return int32(^pid<<3 | 2) }

// Busy is the time that all CPUs together did not idle, for whoever it was.
func Busy() time.Duration {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	f := bytes.Fields(line)
	var sum int64
	for i, v := range f[min(1, len(f)):] {
		// user nice system idle iowait irq softirq steal; guest is in user.
		if i == 3 || i == 4 || i > 7 {
			continue
		}
		n, _ := strconv.ParseInt(string(v), 10, 64)
		sum += n
	}
	return time.Duration(sum) * tick
}
