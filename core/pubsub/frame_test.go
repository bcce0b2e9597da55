package pubsub

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func push(word, channel, payload string) string {
	return "*3\r\n" + bulk(word) + bulk(channel) + bulk(payload)
}

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		kind    kind
		channel string
		text    string
	}{
		push("message", "c", "p"):                        {message, "c", "p"},
		push("message", "", ""):                          {message, "", ""},
		push("message", "c", "\r\n*3"):                   {message, "c", "\r\n*3"},
		push("message", "c", "0123456789a"):              {oversize, "c", ""},
		"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n":     {subscribed, "c", ""},
		"*3\r\n" + bulk("unsubscribe") + "$-1\r\n:0\r\n": {unsubscribed, "", ""},
		"*2\r\n" + bulk("pong") + bulk(""):               {pong, "", ""},
		"+PONG\r\n":                                      {pong, "", "PONG"},
		bulk("hi"):                                       {pong, "", "hi"},
		"-NOPERM no\r\n":                                 {failed, "", "NOPERM no"},
	} {
		for cut := range len(in) {
			f, err := parse([]byte(in[:cut]), 10)
			if err != nil || f.kind != incomplete && f.kind != oversize {
				t.Errorf("%q cut at %d: %v %v", in, cut, f, err)
			}
		}
		f, err := parse([]byte(in+"rest"), 10)
		if err != nil || f.kind != want.kind || string(f.channel) != want.channel || string(f.text) != want.text || f.size != len(in) {
			t.Errorf("%q: %+v %v", in, f, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"HTTP/1.1 400 Bad Request\r\n", "\n", "\r\n", ":1\r\n", "*1\r\n", "*4\r\n", "*-1\r\n", "*x\r\n", "*\r\n", "*3\n",
		"*3\r\n+message\r\n", "*3\r\n" + bulk("pmessage"), "*2\r\n" + bulk("message"), "*3\r\n" + bulk("pong"),
		"*3\r\n" + bulk("message") + bulk("c") + ":1\r\n", "*3\r\n" + bulk("message") + bulk("c") + "$-1\r\n",
		"*3\r\n" + bulk("message") + bulk("c") + "$1\r\nabc", "*3\r\n" + bulk("message") + "$1\r\nabc",
		"*3\r\n" + bulk("message") + "$99999999999\r\n", "*3\r\n" + bulk("message") + "$65537\r\n",
		"-" + strings.Repeat("x", maxLine), "$9999999\r\n",
	} {
		if f, err := parse([]byte(in), 10); !errors.Is(err, errProtocol) {
			t.Errorf("%.40q: %+v %v", in, f, err)
		}
	}
}

// TestReaderCutsAnyStream feeds frames in any pieces, with payloads on both sides of the
// buffer's size and of the limit.
func TestReaderCutsAnyStream(t *testing.T) {
	t.Parallel()
	const limit = 3 * readBuffer
	rapid.Check(t, func(t *rapid.T) {
		var stream bytes.Buffer
		var want []string
		for range rapid.IntRange(1, 12).Draw(t, "frames") {
			size := rapid.OneOf(rapid.IntRange(0, 200), rapid.IntRange(readBuffer-60, readBuffer+60), rapid.IntRange(limit-2, limit+2),
				rapid.IntRange(0, 2*limit)).Draw(t, "size")
			stream.WriteString(push("message", fmt.Sprint(len(want)), strings.Repeat("x", size)))
			if size > limit {
				size = -1
			}
			want = append(want, fmt.Sprintf("%d:%d", len(want), size))
		}
		var src io.Reader = &stream
		switch rapid.IntRange(0, 2).Draw(t, "pieces") {
		case 1:
			src = iotest.HalfReader(src)
		case 2:
			src = iotest.DataErrReader(src)
		}
		flushed := 0
		r := newReader(src, limit, func() { flushed++ })
		var got []string
		for {
			f, err := r.next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				break
			}
			size := len(f.text)
			if f.kind == oversize {
				size = -1
			}
			got = append(got, fmt.Sprintf("%s:%d", f.channel, size))
			if len(r.buf) > limit+2*readBuffer {
				t.Fatalf("a buffer of %d bytes", len(r.buf))
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
		if flushed == 0 || r.steps.Load()%2 != 0 {
			t.Fatalf("%d flushes, %d steps", flushed, r.steps.Load())
		}
	})
}

func TestReaderGivesLargeBufferBack(t *testing.T) {
	t.Parallel()
	small := push("message", "c", "x")
	src := io.MultiReader(strings.NewReader(push("message", "c", strings.Repeat("x", 5*readBuffer))),
		iotest.OneByteReader(strings.NewReader(strings.Repeat(small, keepLarge))))
	r := newReader(src, 1<<20, func() {})
	for range keepLarge {
		if _, err := r.next(); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.buf) != readBuffer {
		t.Errorf("the buffer still has %d bytes", len(r.buf))
	}
}

func TestCommandsAreWhatRedisReads(t *testing.T) {
	t.Parallel()
	if got := string(appendCommand(nil, "SUBSCRIBE", "a", "b\r\n")); got != "*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$3\r\nb\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(push("message", "c", "p")))
	f.Add([]byte("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"))
	f.Add([]byte("+PONG\r\n-ERR x\r\n"))
	f.Add([]byte("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$9\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := parse(b, 100)
		switch {
		case err != nil:
			if fr.kind != incomplete {
				t.Fatalf("%q: %v with a frame", b, err)
			}
		case fr.kind == incomplete:
			if fr.size != 0 && fr.size <= len(b) {
				t.Fatalf("%q: incomplete at %d of %d bytes", b, fr.size, len(b))
			}
		case fr.kind != oversize && (fr.size <= 0 || fr.size > len(b)):
			t.Fatalf("%q: a frame of %d bytes", b, fr.size)
		}
	})
}
