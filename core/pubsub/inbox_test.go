package pubsub

import (
	"io"
	"strings"
	"testing"
)

// endless repeats a text.
type endless struct {
	text string
	at   int
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], e.text[e.at:])
		e.at = (e.at + m) % len(e.text)
		n += m
	}
	return n, nil
}

func messages(tb testing.TB) (*inbox, *int) {
	tb.Helper()
	count := 0
	l := &Link{h: Handler{Message: func(string, []byte) { count++ }}.withDefaults(), channels: map[string]*channel{}}
	for _, name := range []string{"data_imei:861234567890123", "b"} {
		l.channels[name] = &channel{name: name, wanted: true, sent: true, live: true}
	}
	in := &inbox{link: l}
	one := push("message", "data_imei:861234567890123", strings.Repeat("x", 128)) + push("message", "b", "y")
	in.reader = newReader(&endless{text: one}, 1<<20, in.handedOver)
	return in, &count
}

func step(tb testing.TB, in *inbox) {
	f, err := in.reader.next()
	if err == nil {
		err = in.handle(f)
	}
	if err != nil {
		tb.Fatal(err)
	}
}

func TestMessageAllocatesNothing(t *testing.T) {
	in, count := messages(t)
	if n := testing.AllocsPerRun(5000, func() { step(t, in) }); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
	if *count < 5000 {
		t.Errorf("only %d messages", *count)
	}
}

func BenchmarkMessage(b *testing.B) {
	in, _ := messages(b)
	b.ReportAllocs()
	for b.Loop() {
		step(b, in)
	}
}

func TestRepliesThatNobodyAskedForEndTheSession(t *testing.T) {
	t.Parallel()
	for _, stream := range []string{
		"+PONG\r\n", "*3\r\n" + bulk("subscribe") + bulk("a") + ":1\r\n", "-ERR oops\r\n", "-NOPERM oops\r\n",
	} {
		in := &inbox{link: &Link{h: Handler{}.withDefaults(), channels: map[string]*channel{}}}
		in.reader = newReader(io.MultiReader(strings.NewReader(stream)), 100, func() {})
		f, err := in.reader.next()
		if err != nil {
			t.Fatal(err)
		}
		if err := in.handle(f); err == nil {
			t.Errorf("%q was accepted", stream)
		}
	}
}

// TestServerTakesChannelBack covers what Redis does when it moves a channel away.
func TestServerTakesChannelBack(t *testing.T) {
	t.Parallel()
	var gaps []string
	l := &Link{
		h:        Handler{Gap: func(names []string) { gaps = append(gaps, names...) }}.withDefaults(),
		channels: map[string]*channel{}, wake: make(chan struct{}, 1),
	}
	l.channels["a"] = &channel{name: "a", wanted: true, sent: true, live: true}
	l.channels["b"] = &channel{name: "b", sent: true, live: true}
	in := &inbox{link: l}
	for _, name := range []string{"a", "b", "c"} {
		if err := in.handle(frame{kind: unsubscribed, channel: []byte(name)}); err != nil {
			t.Fatal(err)
		}
	}
	in.handedOver()
	if len(gaps) != 1 || gaps[0] != "a" {
		t.Errorf("gaps %q, want a", gaps)
	}
	if l.channels["b"] != nil || len(l.changed) != 1 || l.channels["a"].live {
		t.Errorf("channels %v, changed %d", l.channels, len(l.changed))
	}
}
