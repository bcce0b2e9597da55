//go:build !linux

package wire

import (
	"net"
	"time"
)

// setSilence is for Linux: elsewhere the kernel's own time-out holds.
func setSilence(net.Conn, time.Duration) {}
