package wire

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is answered without gorilla, and what is left to it.
func TestAnswer(t *testing.T) {
	t.Parallel()
	pong, ping := masked(0x8A, ""), []byte{0x89, 0x82, 1, 2, 3, 4, 'h' ^ 1, 'i' ^ 2}
	for name, c := range map[string]struct {
		bytes []byte
		taken int
		pongs int
	}{
		"nothing":          {nil, 0, 0},
		"pong":             {pong, 6, 0},
		"ping":             {ping, 8, 1},
		"longest":          {masked(0x8A, strings.Repeat("x", 125)), 131, 0},
		"several":          {slices.Concat(ping, pong, ping), 22, 2},
		"then a message":   {slices.Concat(pong, masked(0x81, "ping")), 6, 0},
		"then half":        {slices.Concat(ping, ping[:7]), 8, 1},
		"half a head":      {ping[:5], 0, 0},
		"close":            {masked(0x88, ""), 0, 0},
		"text":             {masked(0x81, "x"), 0, 0},
		"not masked":       {[]byte{0x8A, 0, 0, 0, 0, 0}, 0, 0},
		"not final":        {masked(0x0A, ""), 0, 0},
		"reserved bit":     {masked(0xCA, ""), 0, 0},
		"too long":         {masked(0x8A, strings.Repeat("x", 126)), 0, 0},
		"too long, 64 bit": {append([]byte{0x8A, 0xFF}, make([]byte, 200)...), 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &answers{}
			conn := &Conn{sink: s}
			if n := conn.answer(c.bytes); n != c.taken || len(s.frames) != c.pongs {
				t.Errorf("took %d bytes and sent %d pongs, want %d and %d", n, len(s.frames), c.taken, c.pongs)
			}
			for _, f := range s.frames {
				if !bytes.Equal(f, AppendFrame(nil, OpPong, []byte("hi"))) {
					t.Errorf("answered with %q", f)
				}
			}
			if (s.seen > 0) != (c.taken > 0) {
				t.Errorf("%d signs of life", s.seen)
			}
		})
	}
}

// A flood is closed, and its rest left to who reads, to end there.
func TestAnswerFlood(t *testing.T) {
	t.Parallel()
	s := &answers{}
	conn := &Conn{sink: s}
	flood := bytes.Repeat(masked(0x89, ""), 10*int(pingAhead/pingEvery))
	from := time.Now()
	n := conn.answer(flood)
	most := int((pingAhead + time.Since(from)) / pingEvery)
	if s.code != ClosePolicy || n != 6*len(s.frames) || len(s.frames) < int(pingAhead/pingEvery) || len(s.frames) > most {
		t.Errorf("%d pongs, %d bytes, closed with %v", len(s.frames), n, s.code)
	}
}

// answers is a sink that keeps what it is told.
type answers struct {
	seen   int
	frames [][]byte
	code   CloseCode
}

func (a *answers) Seen()                                    { a.seen++ }
func (*answers) Pong(byte)                                  {}
func (a *answers) Send(f []byte)                            { a.frames = append(a.frames, f) }
func (a *answers) Close(c CloseCode, _ string, _ ...[]byte) { a.code = c }

// BenchmarkAnswer is what an idle client's pong costs, beside the system call.
func BenchmarkAnswer(b *testing.B) {
	c := &Conn{sink: discard{}}
	pong := masked(0x8A, "")
	b.ReportAllocs()
	for b.Loop() {
		c.answer(pong)
	}
}
