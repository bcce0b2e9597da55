package wire

import "sync"

// keepBuffer is the largest message buffer that is used again, in bytes, so that
// one giant message doesn't stay in memory.
const keepBuffer = 4096

// buffers hold the message that is being handled, never that of an idle socket.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, readBuffer)
	return &b
}}

// release gives the last message's buffer back.
func (c *Conn) release() {
	if c.buf == nil {
		return
	}
	if cap(*c.buf) <= keepBuffer {
		buffers.Put(c.buf)
	}
	c.buf = nil
}
