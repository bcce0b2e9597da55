package swarm

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// serverFrame is an unmasked frame, as parseFrame reads it.
func serverFrame(op byte, p []byte) []byte {
	masked := appendFrame(nil, op, p)
	head := len(masked) - len(p) - 4
	frame := append(masked[:head:head], p...)
	frame[1] &^= 0x80
	return frame
}

func TestParseFrameAnyLengthAndCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 125, 126, 127, 65535, 65536}).Draw(t, "length")
		p := bytes.Repeat([]byte("x"), n)
		whole := serverFrame(opText, p)
		if f := parseFrame(append(bytes.Clone(whole), "rest"...)); f.op != opText || f.size != len(whole) || !bytes.Equal(f.payload, p) {
			t.Fatalf("op %d, size %d of %d, %d bytes", f.op, f.size, len(whole), len(f.payload))
		}
		cut := rapid.IntRange(0, len(whole)-1).Draw(t, "cut")
		if f := parseFrame(whole[:cut]); f.size != 0 {
			t.Fatalf("%d of %d bytes are a frame", cut, len(whole))
		}
	})
}

func TestClientFramesAreMasked(t *testing.T) {
	t.Parallel()
	f := AppendText(nil, "ch:all")
	if f[1]&0x80 == 0 || bytes.Contains(f, []byte("ch:all")) {
		t.Fatalf("% x", f)
	}
	for i := range 6 {
		if f[6+i]^f[2+i%4] != "ch:all"[i] {
			t.Fatalf("byte %d of % x", i, f)
		}
	}
}

func FuzzParseFrame(f *testing.F) {
	f.Add(serverFrame(opClose, []byte{3, 232}))
	f.Add([]byte{0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, p []byte) {
		if got := parseFrame(p); got.size > len(p) || len(got.payload) > got.size {
			t.Fatalf("%d of %d", got.size, len(p))
		}
	})
}

func BenchmarkParseFrame(b *testing.B) {
	b.ReportAllocs()
	p := serverFrame(opText, make([]byte, 128))
	for b.Loop() {
		parseFrame(p)
	}
}
