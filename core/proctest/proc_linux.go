package proctest

import "syscall"

// dieWithParent makes the kernel end a child when a test process dies without
// its cleanups: a panic, a time-out, a kill.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
