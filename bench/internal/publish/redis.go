//go:build linux

package publish

import (
	"bytes"
	"strconv"

	"github.com/wsgate/wsgate/bench/internal/eventloop"
)

// Redis publishes with pipelined PUBLISH commands on one connection.
type Redis struct {
	stream  *eventloop.Stream
	channel Encoding
	body    Encoding
	scratch []byte
	waiting int
	errors  int
}

// NewRedis connects to a Redis server. channel writes the channel's name; body,
// where not nil, wraps the payload.
func NewRedis(l *eventloop.Loop, port int, channel, body Encoding) (*Redis, error) {
	fd, err := eventloop.Dial(port)
	if err != nil {
		return nil, err
	}
	stream, err := eventloop.NewStream(l, fd)
	if err != nil {
		return nil, err
	}
	r := &Redis{stream: stream, channel: channel, body: body}
	stream.Data = r.replies
	return r, nil
}

// Publish implements Publisher.
func (r *Redis) Publish(target uint32, payload []byte) {
	b := append(r.stream.Buffer(), "*3\r\n$7\r\nPUBLISH\r\n"...)
	r.scratch = r.channel(r.scratch[:0], target, nil)
	b = appendBulk(b, r.scratch)
	if r.body != nil {
		r.scratch = r.body(r.scratch[:0], target, payload)
		payload = r.scratch
	}
	r.stream.SetBuffer(appendBulk(b, payload))
	r.waiting++
}

// Flush implements Publisher.
func (r *Redis) Flush() { r.stream.Flush() }

// Waiting implements Publisher.
func (r *Redis) Waiting() int { return r.waiting }

// Errors implements Publisher.
func (r *Redis) Errors() int { return r.errors }

// Close implements Publisher.
func (r *Redis) Close() { r.stream.Close() }

// replies counts lines: PUBLISH answers an integer or an error, never more.
func (r *Redis) replies(p []byte) int {
	used := 0
	for {
		i := bytes.IndexByte(p[used:], '\n')
		if i < 0 {
			return used
		}
		if p[used] == '-' {
			r.errors++
		}
		used += i + 1
		r.waiting--
	}
}

func appendBulk(dst, p []byte) []byte {
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(len(p)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, p...)
	return append(dst, "\r\n"...)
}
