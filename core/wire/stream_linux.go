package wire

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// setSilence has the kernel end a connection whose peer has acknowledged nothing for a
// time (RFC 5482), also under TLS.
func setSilence(nc net.Conn, d time.Duration) {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	tcp, ok := nc.(*net.TCPConn)
	if !ok || d <= 0 {
		return
	}
	if rc, err := tcp.SyscallConn(); err == nil {
		// An old kernel's own time-out is as good as none of ours.
		_ = rc.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
		})
	}
}
