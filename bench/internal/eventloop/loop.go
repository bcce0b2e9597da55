//go:build linux

// Package eventloop runs all of the load generator's sockets on one thread.
//
// The loop polls: it asks epoll without waiting and, when nothing is ready,
// naps. It never blocks in epoll_wait, so that a server under test never pays
// for waking it, which on loopback happens in the sender's context and would be
// booked on the sender.
//
// Concurrency: a Loop and everything registered with it belong to the one
// goroutine that calls Run. Nothing is served while Run is not running.
package eventloop

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Handler is told that its descriptor may be read from or written to.
type Handler interface {
	Ready(events uint32)
}

// nap is how long the loop sleeps when nothing was ready. It bounds the error
// of every latency that is measured.
const nap = 50 * time.Microsecond

// batch bounds how many events are handled before timers are looked at again.
const batch = 128

// Loop is one epoll instance and the handlers of its descriptors.
type Loop struct {
	// Tick, if set, is called on every turn with the loop's time. It sends what
	// is due.
	Tick func(now int64)

	epfd     int
	base     time.Time
	now      int64
	handlers []Handler
	events   [batch]unix.EpollEvent
}

// New makes a loop and binds the calling goroutine to its thread.
func New() (*Loop, error) {
	runtime.LockOSThread()
	// The default timer slack of 50 µs would double every nap.
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("eventloop: timer slack: %w", err)
	}
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("eventloop: epoll: %w", err)
	}
	return &Loop{epfd: epfd, base: time.Now()}, nil
}

// Close ends the loop. Registered descriptors stay open.
func (l *Loop) Close() error { return unix.Close(l.epfd) }

// Now is the loop's own clock in nanoseconds, read once a turn.
func (l *Loop) Now() int64 { return l.now }

// Clock reads the clock afresh.
func (l *Loop) Clock() int64 { return int64(time.Since(l.base)) }

// Add registers fd, edge-triggered, for reading and writing.
func (l *Loop) Add(fd int, h Handler) error {
	for len(l.handlers) <= fd {
		l.handlers = append(l.handlers, nil)
	}
	l.handlers[fd] = h
	ev := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, fd, &ev); err != nil {
		return fmt.Errorf("eventloop: add: %w", err)
	}
	return nil
}

// Remove forgets fd. Call it before closing fd, whose number is used again.
func (l *Loop) Remove(fd int) {
	if fd < len(l.handlers) && l.handlers[fd] != nil {
		l.handlers[fd] = nil
		_ = unix.EpollCtl(l.epfd, unix.EPOLL_CTL_DEL, fd, nil)
	}
}

// Run serves until done returns true. It returns the time it stopped at.
func (l *Loop) Run(done func(now int64) bool) int64 {
	for {
		l.now = l.Clock()
		if l.Tick != nil {
			l.Tick(l.now)
		}
		if done(l.now) {
			return l.now
		}
		n := l.poll()
		if n == 0 {
			ts := unix.NsecToTimespec(int64(nap))
			_ = unix.Nanosleep(&ts, nil)
			continue
		}
		for i := range n {
			ev := &l.events[i]
			if h := l.handlers[ev.Fd]; h != nil {
				h.Ready(ev.Events)
			}
		}
	}
}

// RunFor serves for d.
func (l *Loop) RunFor(d time.Duration) {
	end := l.Clock() + int64(d)
	l.Run(func(now int64) bool { return now >= end })
}

// RunUntil serves until done, looking at it every few milliseconds, or until
// limit has passed, and reports whether done was reached.
func (l *Loop) RunUntil(limit time.Duration, done func() bool) bool {
	const every = int64(2 * time.Millisecond)
	end, next, ok := l.Clock()+int64(limit), int64(0), false
	l.Run(func(now int64) bool {
		if now < next {
			return false
		}
		next = now + every
		ok = done()
		return ok || now >= end
	})
	return ok
}

// poll is a raw system call: it can't block, so the scheduler need not know.
func (l *Loop) poll() int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epfd),
		uintptr(unsafe.Pointer(&l.events[0])), batch, 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}
