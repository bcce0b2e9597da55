package pubsub

import (
	"strings"
	"testing"
	"time"
)

// TestRefusedChannelsAreTriedAgain plays Redis' part: a batch is refused, then each
// forbidden channel alone, until the rules change.
func TestRefusedChannelsAreTriedAgain(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := lingerLink(0)
	w := &writer{link: l, retry: now.Add(retryRefused)}
	in := &inbox{link: l}
	gather := func(after time.Duration) string {
		w.buf = w.buf[:0]
		now = now.Add(after)
		w.gather(now, false)
		return strings.ReplaceAll(string(w.buf), "\r\n", " ")
	}
	refuse := func() {
		t.Helper()
		if err := in.handle(frame{kind: failed, text: []byte("NOPERM no")}); err != nil {
			t.Fatal(err)
		}
	}
	l.Subscribe("a")
	l.Subscribe("b")
	if got := gather(0); got != "*3 $9 SUBSCRIBE $1 a $1 b " {
		t.Fatalf("at first: %q", got)
	}
	refuse()
	if got := gather(0); got != "*2 $9 SUBSCRIBE $1 a *2 $9 SUBSCRIBE $1 b " {
		t.Fatalf("after the refusal of both: %q", got)
	}
	refuse()
	if err := in.handle(frame{kind: subscribed, channel: []byte("b")}); err != nil {
		t.Fatal(err)
	}
	if got := gather(time.Second); got != "" {
		t.Fatalf("too early: %q", got)
	}
	for range 2 {
		if got := gather(2 * retryRefused); got != "*2 $9 SUBSCRIBE $1 a " {
			t.Fatalf("after a while: %q", got)
		}
		refuse()
	}
	if len(l.refused) != 1 {
		t.Fatalf("%d refused channels, want 1", len(l.refused))
	}
	_ = gather(2 * retryRefused)
	if err := in.handle(frame{kind: subscribed, channel: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	// At its first refusal, and once it is allowed.
	if len(in.gaps) != 2 || in.gaps[0] != "a" || in.gaps[1] != "a" {
		t.Errorf("gaps %q, want a twice", in.gaps)
	}
	if got := gather(2 * retryRefused); got != "" || len(l.refused) != 0 {
		t.Errorf("after it was allowed: %q, %d refused", got, len(l.refused))
	}
}
