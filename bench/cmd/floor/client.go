//go:build linux

package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"

	"golang.org/x/sys/unix"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
	"github.com/wsgate/wsgate/bench/internal/httpwire"
)

type client struct {
	fd       int
	upgraded bool
	out      []byte // what the socket did not take yet
}

func (s *server) accept() {
	for {
		fd, ok := eventloop.Accept(s.listener)
		if !ok {
			return
		}
		for len(s.clients) <= fd {
			s.clients = append(s.clients, nil)
		}
		s.clients[fd] = &client{fd: fd}
		if s.add(fd) != nil {
			_ = unix.Close(fd)
		}
	}
}

// read takes what one read gives: in these tests a client's request, or its
// commands, always come whole.
func (s *server) read(c *client) {
	n, err := eventloop.Read(c.fd, s.buf[:cap(s.buf)])
	if err != nil {
		s.drop(c)
		return
	}
	p := s.buf[:n]
	if !c.upgraded {
		r, size := httpwire.ParseRequest(p)
		if size == 0 {
			return
		}
		c.upgraded = true
		c.out = append(c.out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
		c.out = append(c.out, accept(r.Header("Sec-WebSocket-Key"))...)
		c.out = append(c.out, "\r\n\r\n"...)
		c.flush()
		p = p[size:]
	}
	for len(p) >= 6 && int(p[1]&0x7f) < 126 && len(p) >= 6+int(p[1]&0x7f) {
		key, text := p[2:6], p[6:6+int(p[1]&0x7f)]
		for i := range text {
			text[i] ^= key[i&3]
		}
		if p[0]&0xf == 1 {
			s.channels[string(text)] = append(s.channels[string(text)], c)
		}
		p = p[6+len(text):]
	}
}

func (s *server) drop(c *client) {
	s.clients[c.fd] = nil
	_ = unix.Close(c.fd)
	for name, listeners := range s.channels {
		for i, l := range listeners {
			if l == c {
				listeners[i] = listeners[len(listeners)-1]
				s.channels[name] = listeners[:len(listeners)-1]
				break
			}
		}
	}
}

func (c *client) flush() {
	if len(c.out) == 0 {
		return
	}
	n, _ := eventloop.Write(c.fd, c.out)
	if n == len(c.out) && cap(c.out) <= 16<<10 {
		c.out = c.out[:0]
		return
	}
	c.out = bytes.Clone(c.out[n:])
}

func accept(key []byte) string {
	sum := sha1.Sum(append(bytes.Clone(key), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func appendText(dst, p []byte) []byte {
	if len(p) < 126 {
		dst = append(dst, 0x81, byte(len(p)))
	} else {
		dst = append(dst, 0x81, 126, byte(len(p)>>8), byte(len(p)))
	}
	return append(dst, p...)
}
