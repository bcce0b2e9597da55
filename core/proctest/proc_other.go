//go:build !linux

package proctest

import "syscall"

// dieWithParent has no counterpart here; children of a crashed test process are
// left behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
