package pubsub

import (
	"io"
	"sync/atomic"
)

// readBuffer is the usual size of the buffer: what one read can carry, and so how
// many messages one flush merges at most.
const readBuffer = 64 << 10

// keepLarge is for how many reads a buffer that grew is kept.
const keepLarge = 1000

// reader cuts the stream of one connection into frames.
type reader struct {
	src   io.Reader
	buf   []byte
	r, w  int // buf[r:w] has arrived and is not parsed
	limit int // of a payload
	small int // reads since a large buffer was last needed

	// before is called when the next step is a read from the connection.
	before func()
	// steps counts entering and leaving reads: odd while one blocks. The watch
	// over a silent link looks at it, so that a slow handler is not taken for a
	// dead server.
	steps atomic.Uint64
}

func newReader(src io.Reader, limit int, before func()) *reader {
	return &reader{src: src, buf: make([]byte, readBuffer), limit: limit, before: before}
}

// next returns the next frame, whose slices are valid until the following call.
func (r *reader) next() (frame, error) {
	for {
		f, err := parse(r.buf[r.r:r.w], r.limit)
		if err != nil {
			return frame{}, err
		}
		switch f.kind {
		case incomplete:
			if err := r.fill(f.size); err != nil {
				return frame{}, err
			}
		case oversize:
			// The name must outlive the bytes that are about to be thrown away.
			f.channel = append([]byte(nil), f.channel...)
			return f, r.discard(f.size)
		default:
			r.r += f.size
			return f, nil
		}
	}
}

// fill reads more; need is the size of the frame at r.r, 0 where it is not known.
func (r *reader) fill(need int) error {
	if r.r > 0 {
		r.w = copy(r.buf, r.buf[r.r:r.w])
		r.r = 0
	}
	switch {
	case need > len(r.buf) || r.w == len(r.buf):
		size := need
		if need <= len(r.buf) { // a long name or line, bounded by maxLine
			size = 2 * len(r.buf)
		}
		grown := make([]byte, (size+readBuffer-1)/readBuffer*readBuffer)
		r.w = copy(grown, r.buf[:r.w])
		r.buf, r.small = grown, 0
	case len(r.buf) == readBuffer:
	case need > readBuffer:
		r.small = 0
	default:
		// Keeping the large buffer for a while spares an allocation for each of
		// a series of large messages.
		if r.small++; r.small > keepLarge && r.w <= readBuffer {
			shrunk := make([]byte, readBuffer)
			copy(shrunk, r.buf[:r.w])
			r.buf = shrunk
		}
	}
	n, err := r.read(r.buf[r.w:])
	r.w += n
	if n > 0 {
		return nil
	}
	return err
}

// discard drops a frame of size bytes, arrived or not.
func (r *reader) discard(size int) error {
	for {
		have := min(size, r.w-r.r)
		r.r += have
		if size -= have; size == 0 {
			return nil
		}
		if err := r.fill(0); err != nil {
			return err
		}
	}
}

func (r *reader) read(p []byte) (int, error) {
	r.before()
	r.steps.Add(1)
	n, err := r.src.Read(p)
	r.steps.Add(1)
	if n == 0 && err == nil {
		err = io.ErrNoProgress
	}
	return n, err
}
