package wire

import (
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Poller waits for idle connections: one goroutine for all of them, where each would
// else keep a stack of 4 KiB and a read buffer. A connection joins it when its reader
// parks, and is told of by the kernel once for each arrival (edge-triggered), so a
// parked connection costs no system call until there is something to read.
//
// The epoll descriptor is itself watched by Go's own poller, so that the goroutine
// doesn't hold a thread.
type Poller struct {
	ep  *os.File
	rc  syscall.RawConn
	fd  int
	log *slog.Logger
	wg  sync.WaitGroup

	mu    sync.Mutex
	slots []slot
	free  []int32
}

// slot is a connection's number in the kernel's events. gen tells the connections
// apart that have had it.
type slot struct {
	conn *Conn
	gen  int32
}

// maxEvents is how many arrivals one look at the kernel takes.
const maxEvents = 256

// NewPoller starts one; Close ends it. A nil Poller is one that takes nobody, which is
// what is returned where the system has none left.
func NewPoller(log *slog.Logger) *Poller {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil
	}
	// Non-blocking is what has os.NewFile register it.
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil
	}
	p := &Poller{ep: os.NewFile(uintptr(fd), "epoll"), fd: fd, log: log}
	if p.rc, err = p.ep.SyscallConn(); err != nil {
		_ = p.ep.Close()
		return nil
	}
	p.wg.Go(p.run)
	return p
}

// Close ends the poller's goroutine. Parked connections are woken by closing them.
func (p *Poller) Close() {
	if p == nil {
		return
	}
	_ = p.ep.Close()
	p.wg.Wait()
}

func (p *Poller) run() {
	events, buf := make([]unix.EpollEvent, maxEvents), make([]byte, readBuffer)
	n := 0
	for {
		err := p.rc.Read(func(fd uintptr) bool {
			var err error
			n, err = unix.EpollWait(int(fd), events, 0)
			if err != nil {
				n = 0
			}
			return n > 0
		})
		if err != nil {
			return // closed
		}
		for _, e := range events[:n] {
			p.wake(e.Fd, e.Pad, buf, e.Events&^unix.EPOLLIN != 0)
		}
	}
}

// wake looks after the connection that has a slot, unless it is another by now.
func (p *Poller) wake(index, gen int32, buf []byte, ended bool) {
	p.mu.Lock()
	var c *Conn
	if s := p.slots[index]; s.gen == gen {
		c = s.conn
	}
	p.mu.Unlock()
	if c == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			p.log.Error("panic in the poller; please report it", "panic", v, "stack", string(debug.Stack()))
		}
	}()
	c.look(buf, ended)
}

// add begins to watch a connection.
func (p *Poller) add(c *Conn, rc syscall.RawConn) bool {
	p.mu.Lock()
	var index int32
	if n := len(p.free); n > 0 {
		index = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		index = int32(len(p.slots)) //nolint:gosec // far fewer connections than 2^31
		p.slots = append(p.slots, slot{})
	}
	p.slots[index].conn = c
	gen := p.slots[index].gen
	p.mu.Unlock()
	var err error
	cerr := rc.Control(func(fd uintptr) {
		err = unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, int(fd), &unix.EpollEvent{
			Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET, Fd: index, Pad: gen,
		})
	})
	if err != nil || cerr != nil {
		p.remove(index)
		return false
	}
	c.slot = index
	return true
}

// remove frees a slot. The kernel forgets a descriptor when it is closed.
func (p *Poller) remove(index int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slots[index].conn = nil
	p.slots[index].gen++
	p.free = append(p.free, index)
}

// parking is a Conn's part in a Poller.
type parking struct {
	poller *Poller
	rc     syscall.RawConn // nil: this kind of connection can't be watched
	parked Parked
	state  atomic.Uint32
	slot   int32
	listed bool // has the slot
	// over is set when the kernel has said that nothing will come behind what has,
	// which it says once.
	over atomic.Bool
}

const (
	reading uint32 = iota // a goroutine reads
	arrived               // and more came meanwhile
	waiting               // nobody does
)

// Parked is a reader that left, to be resumed.
type Parked interface {
	// Resume goes on reading, in a goroutine of its own. It must not block.
	Resume()
}

// Park says that nothing is left to read, and that r will be resumed when there is, or
// when the connection is closed and Wake called: the caller must then leave the Conn
// alone. It returns false where there is something to read, or where the connection
// can't be watched (TLS): the caller must then read.
func (c *Conn) Park(r Parked) bool {
	if c.rc == nil {
		return false
	}
	c.answerRead()
	if c.pending() || c.over.Load() {
		return false
	}
	// The kernel tells of an arrival once, also of one that wasn't read to its end.
	if c.full && c.readable() {
		return false
	}
	if !c.listed {
		if c.poller == nil || !c.poller.add(c, c.rc) {
			c.rc = nil
			return false
		}
		c.listed = true
	}
	c.parked = r
	c.release()
	c.lend()
	return c.wait()
}

// wait lets the next arrival wake the connection; false where there was one already.
func (c *Conn) wait() bool {
	for !c.state.CompareAndSwap(reading, waiting) {
		c.state.Store(reading)
		if c.readable() {
			return false
		}
	}
	return true
}

// look reads what has arrived on a parked connection. Pings and pongs, which is all
// that most clients ever send, it answers itself; a reader that were resumed for them
// would have to wait for the message after them. ended says that this was all, which
// one read doesn't tell.
func (c *Conn) look(buf []byte, ended bool) {
	if ended {
		c.over.Store(true)
	}
	if !c.state.CompareAndSwap(waiting, reading) {
		c.Wake()
		return
	}
	n, err := c.recv(buf, 0)
	rest := buf[:max(n, 0)]
	rest = rest[c.answer(rest):]
	nothing := err == unix.EAGAIN || n > 0 && n < len(buf) && len(rest) == 0 //nolint:errorlint // an errno
	if nothing && !ended && c.wait() {
		return
	}
	c.full = n == len(buf)
	if len(rest) > 0 {
		c.unread(rest)
	}
	c.parked.Resume()
}

// Wake resumes a parked reader; a reading one will look again before it parks.
func (c *Conn) Wake() {
	for {
		switch c.state.Load() {
		case waiting:
			if c.state.CompareAndSwap(waiting, reading) {
				c.parked.Resume()
				return
			}
		case reading:
			if c.state.CompareAndSwap(reading, arrived) {
				return
			}
		default:
			return
		}
	}
}

// Unpark ends the Conn's part in the poller. The reader calls it last.
func (c *Conn) Unpark() {
	if c.listed {
		c.listed = false
		c.poller.remove(c.slot)
	}
}

// readable says whether a read would not have to wait.
func (c *Conn) readable() bool {
	var b [1]byte
	_, err := c.recv(b[:], unix.MSG_PEEK)
	return err != unix.EAGAIN //nolint:errorlint // an errno
}

// recv reads without waiting.
func (c *Conn) recv(p []byte, flags int) (n int, err error) {
	cerr := c.rc.Control(func(fd uintptr) {
		n, _, err = unix.Recvfrom(int(fd), p, flags|unix.MSG_DONTWAIT)
	})
	if cerr != nil {
		return 0, cerr
	}
	return n, err
}
