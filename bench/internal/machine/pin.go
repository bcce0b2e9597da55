//go:build linux

package machine

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// Pin moves every thread of this process to one CPU. Threads and processes
// started later begin there too.
func Pin(cpu int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("machine: pin: %w", err)
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if err := setAffinity(tid, cpu); err != nil {
			return err
		}
	}
	return nil
}

// OnCPU runs start with the calling thread on cpu, so that a process begun in
// it stays there and counts one CPU from its first instruction, and then puts
// the thread back. A negative cpu changes nothing.
func OnCPU(cpu int, start func() error) error {
	if cpu < 0 {
		return start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("machine: affinity: %w", err)
	}
	if err := setAffinity(0, cpu); err != nil {
		return err
	}
	err := start()
	if back := unix.SchedSetaffinity(0, &before); back != nil && err == nil {
		err = fmt.Errorf("machine: affinity: %w", back)
	}
	return err
}

func setAffinity(tid, cpu int) error {
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(tid, &set); err != nil {
		return fmt.Errorf("machine: CPU %d: %w", cpu, err)
	}
	return nil
}
