package wire

import (
	"errors"
	"fmt"
	"time"
)

// ping answers a client's ping (RFC 6455 section 5.5.3).
func (c *Conn) ping(data []byte) error {
	c.sink.Seen()
	if !c.rate.allow(time.Now()) {
		c.sink.Close(ClosePolicy, "too many pings")
		return errPings
	}
	c.sink.Send(AppendFrame(make([]byte, 0, 2+len(data)), OpPong, data))
	return nil
}

func (c *Conn) pong(size int, first byte) {
	if size == 1 {
		c.sink.Pong(first)
		return
	}
	c.sink.Seen()
}

// closed echoes a client's close frame (section 5.5.1).
func (c *Conn) closed(code int) error {
	c.sink.Close(CloseCode(code), "")
	return nil
}

// answer handles the pings and pongs that b begins with, and yields their length:
// whoever waits for a message need not be woken for them. Anything else, and a frame
// that is not whole or not right, it leaves to gorilla.
func (c *Conn) answer(b []byte) (n int) {
	if c.oneWay {
		return len(b)
	}
	const head = 6 // of a masked frame of up to 125 bytes (section 5.2)
	for rest := b; len(rest) >= head && rest[1]&0x80 != 0; rest = b[n:] {
		size := int(rest[1] & 0x7F)
		if size > maxControl || len(rest) < head+size {
			break
		}
		var data [maxControl]byte
		for i := range size {
			data[i] = rest[head+i] ^ rest[2+i&3]
		}
		switch rest[0] {
		case finBit | byte(OpPong):
			c.pong(size, data[0])
		case finBit | byte(OpPing):
			if c.ping(data[:size]) != nil {
				return n
			}
		default:
			return n
		}
		n += head + size
	}
	return n
}

// errPings is a client that pings without end, each one costing a write.
var errPings = errors.New("wire: too many pings")

const (
	pingEvery = 20 * time.Millisecond // the rate at which a client may ping
	pingAhead = 10 * time.Second      // how far it may get ahead of that: 500 pings
)

// pingRate is when the next ping would be due at pingEvery, in Unix nanoseconds.
type pingRate int64

func (p *pingRate) allow(now time.Time) bool {
	n := now.UnixNano()
	*p = pingRate(max(int64(*p), n) + int64(pingEvery))
	return int64(*p)-n <= int64(pingAhead)
}

func wrap(err error) error { return fmt.Errorf("wire: read: %w", err) }
