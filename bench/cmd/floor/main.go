//go:build linux

// Command floor is the least that can be done: one thread, epoll, and one
// write(2) for each delivery (with -merge, one for all that is buffered). It
// knows no tokens, no limits and no pings, and shows what the kernel costs.
package main

import (
	"flag"
	"log"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
)

type server struct {
	epfd, listener int
	redis          *redis
	clients        []*client // by descriptor
	channels       map[string][]*client
	merge          bool
	dirty          []*client
	buf            []byte
}

func main() {
	port := flag.Int("port", 0, "listen on this port of 127.0.0.1")
	redisPort := flag.Int("redis", 6379, "port of Redis on 127.0.0.1")
	merge := flag.Bool("merge", false, "write all messages that are buffered at once")
	flag.Parse()
	runtime.LockOSThread()
	if err := run(*port, *redisPort, *merge); err != nil {
		log.Fatal(err)
	}
}

func run(port, redisPort int, merge bool) error {
	epfd, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	s := &server{epfd: epfd, channels: map[string][]*client{}, merge: merge, buf: make([]byte, 64<<10)}
	if s.redis, err = dialRedis(redisPort); err != nil {
		return err
	}
	if s.listener, _, err = eventloop.Listen(port); err != nil {
		return err
	}
	if err := s.add(s.redis.fd); err != nil {
		return err
	}
	if err := s.add(s.listener); err != nil {
		return err
	}
	var events [256]unix.EpollEvent
	for {
		for i := range s.wait(events[:]) {
			s.ready(int(events[i].Fd), events[i].Events)
		}
		s.flush()
	}
}

// wait asks without blocking first: the scheduler's share of a blocking call is
// no part of the floor.
func (s *server) wait(events []unix.EpollEvent) int {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(s.epfd),
		uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno == 0 && n > 0 {
		return int(n)
	}
	blocked, err := unix.EpollWait(s.epfd, events, -1)
	if err != nil {
		return 0
	}
	return blocked
}

func (s *server) add(fd int) error {
	return unix.EpollCtl(s.epfd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
		Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: int32(fd),
	})
}

func (s *server) ready(fd int, events uint32) {
	switch fd {
	case s.redis.fd:
		s.redis.read(s.broadcast)
	case s.listener:
		s.accept()
	default:
		if c := s.clients[fd]; c != nil {
			if events&unix.EPOLLOUT != 0 {
				c.flush()
			}
			if events&unix.EPOLLIN != 0 {
				s.read(c)
			}
		}
	}
}

// broadcast is the whole hot path.
func (s *server) broadcast(channel, payload []byte) {
	listeners := s.channels[string(channel)]
	if len(listeners) == 0 {
		return
	}
	s.buf = appendText(s.buf[:0], payload)
	for _, c := range listeners {
		switch {
		case s.merge:
			if len(c.out) == 0 {
				s.dirty = append(s.dirty, c)
			}
			c.out = append(c.out, s.buf...)
		case len(c.out) > 0:
			c.out = append(c.out, s.buf...)
		default:
			n, _ := eventloop.Write(c.fd, s.buf)
			c.out = append(c.out, s.buf[n:]...)
		}
	}
}

func (s *server) flush() {
	for _, c := range s.dirty {
		c.flush()
	}
	s.dirty = s.dirty[:0]
}
