//go:build linux

package main

import (
	"bytes"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
)

// redis is one connection that listens to everything.
type redis struct {
	fd   int
	buf  []byte
	held int
}

func dialRedis(port int) (*redis, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, fmt.Errorf("floor: redis: %w", err)
	}
	if _, err := unix.Write(fd, []byte("PSUBSCRIBE *\r\n")); err != nil {
		return nil, fmt.Errorf("floor: redis: %w", err)
	}
	return &redis{fd: fd, buf: make([]byte, 256<<10)}, unix.SetNonblock(fd, true)
}

// read gives every whole message that has arrived to f.
func (r *redis) read(f func(channel, payload []byte)) {
	for {
		n, err := eventloop.Read(r.fd, r.buf[r.held:])
		if err != nil {
			panic("floor: redis went away")
		}
		if n == 0 {
			return
		}
		p := r.buf[:r.held+n]
		for {
			fields, size := parse(p)
			if size == 0 {
				break
			}
			if string(fields[0]) == "pmessage" {
				f(fields[2], fields[3])
			}
			p = p[size:]
		}
		r.held = copy(r.buf, p)
	}
}

// parse reads one array of bulk strings (an integer counts as one).
func parse(p []byte) (fields [4][]byte, size int) {
	count, at := number(p, '*')
	for i := range count {
		if at == 0 || at >= len(p) {
			return fields, 0
		}
		n, used := number(p[at:], p[at])
		if used == 0 {
			return fields, 0
		}
		at += used
		if p[at-used] == '$' {
			if len(p) < at+n+2 {
				return fields, 0
			}
			fields[min(i, 3)] = p[at : at+n]
			at += n + 2
		}
	}
	return fields, at
}

func number(p []byte, kind byte) (n, used int) {
	i := bytes.IndexByte(p, '\n')
	if i < 2 || p[0] != kind {
		return 0, 0
	}
	n, _ = strconv.Atoi(string(p[1 : i-1]))
	return n, i + 1
}
