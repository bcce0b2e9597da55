//go:build linux

package machine

import (
	"bytes"
	"os"
	"strconv"
)

// Resident adds up the resident memory of processes in bytes. A page that
// several of them share counts for each: the figures that matter here are
// differences, in which shared code cancels out.
func Resident(pids []int) int64 {
	var sum int64
	for _, pid := range pids {
		sum += resident(pid)
	}
	return sum
}

// resident prefers smaps_rollup, which counts pages, over statm, whose per-CPU
// counters lag by up to some hundred pages.
func resident(pid int) int64 {
	dir := "/proc/" + strconv.Itoa(pid)
	if b, err := os.ReadFile(dir + "/smaps_rollup"); err == nil {
		for line := range bytes.Lines(b) {
			if rest, ok := bytes.CutPrefix(line, []byte("Rss:")); ok {
				f := bytes.Fields(rest)
				kib, _ := strconv.ParseInt(string(f[0]), 10, 64)
				return kib << 10
			}
		}
	}
	b, err := os.ReadFile(dir + "/statm")
	if f := bytes.Fields(b); err == nil && len(f) > 1 {
		pages, _ := strconv.ParseInt(string(f[1]), 10, 64)
		return pages * int64(os.Getpagesize())
	}
	return 0
}
