//go:build linux

package swarm

import (
	"bytes"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
)

type state uint8

const (
	connecting state = iota
	upgrading
	opening
	ready
	closed
)

// socket is one client. Its fields are what a delivery touches, first.
type socket struct {
	swarm      *Swarm
	index      uint32
	nextShared uint32
	nextOwn    uint32
	fd         int32
	state      state
	gotShared  bool // a probe of the shared channel arrived
	gotOwn     bool
	paused     bool
	partial    []byte // the beginning of a frame whose end hasn't come
	started    int64
}

// Ready implements eventloop.Handler.
func (s *socket) Ready(events uint32) {
	w := s.swarm
	if s.state == connecting {
		if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			w.fail(s, "connect refused")
			return
		}
		if events&unix.EPOLLOUT == 0 {
			return
		}
		s.state = upgrading
		s.send(w.dialect.Request(w.scratch[:0], int(s.index)))
	}
	for s.state != closed {
		held := copy(w.buf, s.partial)
		n, err := eventloop.Read(int(s.fd), w.buf[held:])
		if err != nil {
			w.fail(s, "closed by the server")
			return
		}
		if n == 0 {
			return
		}
		w.Stats.Reads++
		used := s.arrived(w.buf[:held+n])
		if s.state == closed {
			return
		}
		s.partial = append(s.partial[:0], w.buf[used:held+n]...)
		if len(s.partial) == 0 && cap(s.partial) > 4096 {
			s.partial = nil
		}
		if held+n < len(w.buf) {
			return
		}
	}
}

// arrived returns how much of b was used.
func (s *socket) arrived(b []byte) int {
	used := 0
	if s.state == upgrading {
		if used = s.upgraded(b); used == 0 {
			return 0
		}
	}
	now := s.swarm.loop.Clock()
	for s.state != closed {
		f := parseFrame(b[used:])
		if f.size == 0 {
			break
		}
		used += f.size
		switch f.op {
		case opText, opBinary:
			s.message(f.payload, now)
		case opPing:
			s.send(appendFrame(s.swarm.scratch[:0], opPong, f.payload))
		case opClose:
			s.swarm.fail(s, "close frame "+closeText(f.payload))
		}
	}
	return used
}

func (s *socket) upgraded(b []byte) int {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	if !bytes.HasPrefix(b, []byte("HTTP/1.1 101")) {
		line, _, _ := bytes.Cut(b, []byte("\r\n"))
		s.swarm.fail(s, string(line))
		return len(b)
	}
	w := s.swarm
	s.state = opening
	if w.dialect.Opened != nil {
		s.send(w.dialect.Opened(w.scratch[:0], int(s.index)))
	}
	if w.dialect.Other == nil && s.state != closed {
		w.opened(s)
	}
	return end + 4
}

func (s *socket) message(p []byte, now int64) {
	w := s.swarm
	if len(p) > w.dialect.Offset && w.count(s, p[w.dialect.Offset:], now) {
		return
	}
	if w.dialect.Other == nil {
		w.fail(s, fmt.Sprintf("unexpected message %.60q", p))
		return
	}
	reply, isReady := w.dialect.Other(w.scratch[:0], int(s.index), p)
	s.send(reply)
	if isReady && s.state == opening {
		w.opened(s)
	}
}

// send writes at once: what clients send here always fits into an empty
// socket buffer.
func (s *socket) send(p []byte) {
	if len(p) == 0 {
		return
	}
	if n, err := eventloop.Write(int(s.fd), p); err != nil || n != len(p) {
		s.swarm.fail(s, "write failed")
	}
}

func closeText(p []byte) string {
	if len(p) < 2 {
		return "without a code"
	}
	return fmt.Sprintf("%d %.60q", int(p[0])<<8|int(p[1]), p[2:])
}
