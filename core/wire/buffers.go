package wire

import (
	"bufio"
	"sync"
)

// keepBuffer is the largest message buffer that is used again, in bytes, so that
// one giant message doesn't stay in memory.
const keepBuffer = 4096

// buffers hold the message that is being handled, never that of an idle socket.
var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, readBuffer)
	return &b
}}

// readers hold what has arrived on a connection that is being read.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

// takeBuffer gives the Conn a read buffer, if it has none.
func (c *Conn) takeBuffer() {
	if c.lent != nil {
		return
	}
	c.lent = readers.Get().(*bufio.Reader)
	c.br = *c.lent
	c.br.Reset((*adapter)(c))
}

// lendBuffer gives it back. Nothing may be in it.
func (c *Conn) lendBuffer() {
	if c.lent == nil {
		return
	}
	*c.lent = c.br
	c.lent.Reset(nil)
	c.br = bufio.Reader{}
	readers.Put(c.lent)
	c.lent = nil
}

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
