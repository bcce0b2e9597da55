package wire

import (
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bareConn is a TCP connection that Go's own poller does not know, for that keeps
// 0.7 KiB of each, and looks up at every arrival though nobody waits for one. The
// Poller tells of arrivals instead; who has to wait all the same, for the rest of a
// message or for a client that is slow to read, borrows a file of Go's for that time.
// Where the process has no descriptor left for that, the wait fails, and with it the
// connection.
//
// It is as safe for concurrent use as any net.Conn.
type bareConn struct {
	fd int32
	// users are the calls that are using fd, and bareClosed once nobody may begin:
	// fd is closed when the last one has gone, so that its number, which may be
	// another connection's by then, is never used again.
	users   atomic.Int32
	mu      sync.Mutex // over waiting
	waiting *waiter
}

// waiter is a file that some call waits with.
type waiter struct {
	file *os.File
	next *waiter
}

const bareClosed = 1 << 30

// bare takes a connection away from Go's poller. Where that can't be, it is returned
// as it is.
func bare(nc net.Conn) net.Conn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nc
	}
	rc, err := tcp.SyscallConn()
	if err != nil {
		return nc
	}
	fd := -1
	if cerr := rc.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return nc
	}
	_ = tcp.Close()                 // of two descriptors: the connection stays
	return &bareConn{fd: int32(fd)} //nolint:gosec // a descriptor
}

// enter says whether fd may be used, until leave.
func (c *bareConn) enter() bool {
	for {
		n := c.users.Load()
		if n&bareClosed != 0 {
			return false
		}
		if c.users.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (c *bareConn) leave() {
	if c.users.Add(-1) == bareClosed {
		_ = unix.Close(int(c.fd))
	}
}

// Close implements net.Conn. Whoever waits is woken.
func (c *bareConn) Close() error {
	for {
		n := c.users.Load()
		if n&bareClosed != 0 {
			return net.ErrClosed
		}
		if !c.users.CompareAndSwap(n, n|bareClosed) {
			continue
		}
		if n == 0 {
			_ = unix.Close(int(c.fd))
		}
		break
	}
	c.mu.Lock()
	w := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for ; w != nil; w = w.next {
		_ = w.file.Close()
	}
	return nil
}

// Read implements net.Conn.
func (c *bareConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if !c.enter() {
		return 0, net.ErrClosed
	}
	n, err := again(func() (int, error) { return unix.Read(int(c.fd), p) })
	c.leave()
	switch {
	case err == unix.EAGAIN: //nolint:errorlint // an errno
		err = c.wait(func(f *os.File) (err error) {
			n, err = f.Read(p)
			return err
		})
		return n, err
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (c *bareConn) Write(p []byte) (int, error) {
	if !c.enter() {
		return 0, net.ErrClosed
	}
	n, err := again(func() (int, error) { return unix.Write(int(c.fd), p) })
	c.leave()
	if err != nil && err != unix.EAGAIN { //nolint:errorlint // an errno
		return 0, os.NewSyscallError("write", err)
	}
	n = max(n, 0)
	if n == len(p) {
		return n, nil
	}
	err = c.wait(func(f *os.File) error {
		more, err := f.Write(p[n:])
		n += more
		return err
	})
	return n, err
}

// wait lends f a file that waits. What f returns once the connection was closed is
// net.ErrClosed.
func (c *bareConn) wait(f func(*os.File) error) error {
	if !c.enter() {
		return net.ErrClosed
	}
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	c.leave()
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	w := &waiter{file: os.NewFile(uintptr(fd), "socket")} // non-blocking: Go's poller takes it
	defer w.file.Close()                                  //nolint:errcheck // it was only for waiting
	c.mu.Lock()
	if c.closed() {
		c.mu.Unlock()
		return net.ErrClosed
	}
	w.next, c.waiting = c.waiting, w
	c.mu.Unlock()
	err = f(w.file)
	c.mu.Lock()
	for at := &c.waiting; *at != nil; at = &(*at).next {
		if *at == w {
			*at = w.next
			break
		}
	}
	c.mu.Unlock()
	if err != nil && c.closed() {
		return net.ErrClosed
	}
	return err
}

func (c *bareConn) closed() bool { return c.users.Load()&bareClosed != 0 }

// again repeats a system call that a signal broke off.
func again(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR { //nolint:errorlint // an errno
			return n, err
		}
	}
}

// LocalAddr implements net.Conn; nil once it is closed.
func (c *bareConn) LocalAddr() net.Addr { return c.addr(unix.Getsockname) }

// RemoteAddr implements net.Conn; nil once it is closed.
func (c *bareConn) RemoteAddr() net.Addr { return c.addr(unix.Getpeername) }

func (c *bareConn) addr(of func(int) (unix.Sockaddr, error)) net.Addr {
	if !c.enter() {
		return nil
	}
	defer c.leave()
	sa, err := of(int(c.fd))
	if err != nil {
		return nil
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	case *unix.SockaddrInet6:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	}
	return nil
}

// SetDeadline and its like are for connections whose users bound their waits by
// closing them, as the hub does: they say that there are no deadlines.
func (*bareConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (*bareConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (*bareConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

// bareRaw is a bareConn by its descriptor. It never waits: what the functions return
// does not matter.
type bareRaw bareConn

// Control implements syscall.RawConn.
func (r *bareRaw) Control(f func(fd uintptr)) error {
	c := (*bareConn)(r)
	if !c.enter() {
		return net.ErrClosed
	}
	defer c.leave()
	f(uintptr(c.fd))
	return nil
}

// Read implements syscall.RawConn.
func (r *bareRaw) Read(f func(fd uintptr) bool) error { return r.Write(f) }

// Write implements syscall.RawConn. It is the way of every delivery.
func (r *bareRaw) Write(f func(fd uintptr) bool) error {
	c := (*bareConn)(r)
	if !c.enter() {
		return net.ErrClosed
	}
	defer c.leave()
	f(uintptr(c.fd))
	return nil
}

var (
	_ net.Conn        = (*bareConn)(nil)
	_ syscall.RawConn = (*bareRaw)(nil)
)

// bareOf yields the descriptor of a bare connection, nil for any other.
func bareOf(nc net.Conn) syscall.RawConn {
	if c, ok := nc.(*bareConn); ok {
		return (*bareRaw)(c)
	}
	return nil
}
