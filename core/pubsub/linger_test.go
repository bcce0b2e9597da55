package pubsub

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func lingerLink(d time.Duration) *Link {
	return &Link{o: Options{Linger: d}.withDefaults(), channels: map[string]*channel{}, wake: make(chan struct{}, 1)}
}

// live puts a subscribed channel on the link.
func (l *Link) live(name string) *channel {
	c := &channel{name: name, wanted: true, sent: true, live: true}
	l.channels[name] = c
	return c
}

func (l *Link) over() (names []string, next time.Duration) {
	over, next := l.ended(time.Now())
	for _, c := range over {
		c.sent = false
		names = append(names, c.name)
	}
	return names, next
}

func TestLingerEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := lingerLink(5 * time.Second)
		for i := range 3 {
			l.live(fmt.Sprint(i))
			l.Unsubscribe(fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		l.Subscribe("0")
		l.Unsubscribe("0") // its linger begins again, at 3 s
		l.Subscribe("1")
		step := func(wait time.Duration, want string, left time.Duration) {
			t.Helper()
			time.Sleep(wait)
			if got, next := l.over(); fmt.Sprint(got) != want || next != left {
				t.Errorf("at %v: over %v and %v left, want %s and %v", time.Now(), got, next, want, left)
			}
		}
		step(0, "[]", 2*time.Second)
		step(2*time.Second, "[]", time.Second)
		step(time.Second, "[]", time.Second) // 1 is wanted again
		step(time.Second, "[2]", time.Second)
		step(time.Second, "[0]", -1)
		if l.channels["1"].lingers || len(l.linger) != 0 {
			t.Error("a channel that came back is still in the queue")
		}
	})
}

func TestLingerIsBounded(t *testing.T) {
	t.Parallel()
	l := lingerLink(time.Hour)
	for i := range maxLingering + 10 {
		l.live(fmt.Sprint(i))
		l.Unsubscribe(fmt.Sprint(i))
	}
	got, _ := l.over()
	if len(got) != 10 || got[0] != "0" || len(l.linger) != maxLingering {
		t.Errorf("%d ended, first %.20q, %d linger", len(got), got[:min(1, len(got))], len(l.linger))
	}
}
