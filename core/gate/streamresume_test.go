package gate

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
)

func TestStreamResumes(t *testing.T) {
	t.Parallel()
	s := newStack(t, events)
	n := s.node()
	tok := s.backend.Login("bob")
	for name, commands := range map[string][]string{
		"one channel":      {"kept:a", "data_imei:1"},
		"several channels": {"kept:b", "kept:c", "data_imei:1"},
	} {
		t.Run(name, func(t *testing.T) {
			path := streamPath(tok, commands...)
			c := n.stream(path)
			at := c.Expect("position", "").ID
			for i, ch := range commands {
				if got := s.publish(ch, fmt.Sprint("first ", i)); got != "1" {
					t.Fatalf("%s subscriptions of %s", got, ch)
				}
				c.Expect("", fmt.Sprint("first ", i))
			}
			c.Close()
			if c.LastID() == at {
				t.Error("the position did not change")
			}
			var want []string
			for i := range 20 {
				ch := commands[i%(len(commands)-1)]
				want = append(want, fmt.Sprint(ch, " ", i))
				s.publish(ch, want[i])
			}
			// By the header, by the query, and by the one where both are there.
			for _, back := range []*proctest.Stream{
				n.stream(path, "Last-Event-ID", c.LastID()),
				n.stream(path + "&last_event_id=" + url.QueryEscape(c.LastID())),
				n.stream(path+"&last_event_id="+url.QueryEscape(at), "Last-Event-ID", c.LastID()),
			} {
				for i := 0; i < len(want); {
					e := back.Next()
					if e.Name == "position" {
						continue
					}
					if len(commands) == 2 && e.Data != want[i] || e.Name != "" || !slices.Contains(want, e.Data) {
						t.Fatalf("message %d is %+v", i, e)
					}
					i++
				}
				s.publish(commands[0], "live")
				for e := back.Next(); e.Data != "live"; e = back.Next() {
					if e.Name != "position" {
						t.Fatalf("%+v came twice", e)
					}
				}
				want = append(want, "live")
			}
		})
	}
}

// However often and wherever a stream breaks, its client has every message once, in the
// order of its channel.
func TestStreamsLoseAndRepeatNothing(t *testing.T) {
	t.Parallel()
	const breaks, perBreak, channels = 40, 25, 3
	s := newStack(t, events)
	n := s.node()
	tok := s.backend.Login("bob")
	rdb := redis.NewClient(&redis.Options{Addr: s.redis.Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	var commands []string
	for i := range channels {
		commands = append(commands, fmt.Sprint("kept:", i))
	}
	path := streamPath(tok, commands...)
	next := make([]int, channels) // that the client has to get
	sent := make([]int, channels)
	id := ""
	for range breaks {
		var headers []string
		if id != "" {
			headers = []string{"Last-Event-ID", id}
		}
		c := n.stream(path, headers...)
		if id == "" {
			id = c.Expect("position", "").ID
		}
		burst := rdb.Pipeline() // so that several come with one write
		for range perBreak {
			ch := rand.N(channels) //nolint:gosec // no secret
			burst.Publish(t.Context(), commands[ch], fmt.Sprint(ch, ":", sent[ch]))
			sent[ch]++
		}
		if _, err := burst.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The client takes some of it, and what it had seen a position for counts.
		seen := slices.Clone(next)
		for range rand.N(2 * perBreak) { //nolint:gosec // as above
			if slices.Equal(seen, sent) {
				break
			}
			switch e := c.Next(); e.Name {
			case "position":
				id, next = e.ID, slices.Clone(seen)
			case "":
				var ch, i int
				if _, err := fmt.Sscanf(e.Data, "%d:%d", &ch, &i); err != nil || seen[ch] != i {
					t.Fatalf("got %q, want number %d", e.Data, seen[ch])
				}
				seen[ch]++
			default:
				t.Fatalf("%+v", e)
			}
		}
		c.Close()
	}
	c := n.stream(path, "Last-Event-ID", id)
	for !slices.Equal(next, sent) {
		var ch, i int
		e := c.Next()
		if e.Name == "position" {
			continue
		}
		if _, err := fmt.Sscanf(e.Data, "%d:%d", &ch, &i); err != nil || next[ch] != i {
			t.Fatalf("got %+v, want number %d", e, next[ch])
		}
		next[ch]++
	}
}

func TestStreamIsToldOfGaps(t *testing.T) {
	t.Parallel()
	s := newStack(t, events)
	n := s.node()
	tok := s.backend.Login("bob")
	for name, id := range map[string]string{"foreign": "7", "of another epoch": "AAAAAAAA.x.1,BBBBBBBB.x.2"} {
		c := n.stream(streamPath(tok, "kept:a"), "Last-Event-ID", id)
		if name == "foreign" {
			c.Expect("gap", "gap")
		}
		c.Expect("position", "")
	}
	one, two := n.stream(streamPath(tok, "kept:a")), n.stream(streamPath(tok, "kept:a", "kept:b"))
	bare := n.stream(streamPath(tok, "data_imei:1"))
	before, beforeTwo := one.Expect("position", "").ID, two.Expect("position", "").ID
	s.redis.Kill()
	for _, c := range []*proctest.Stream{one, two, bare} {
		c.Expect("gap", "gap")
	}
	s.redis.Start()
	proctest.Eventually(t, patience, func() bool { return s.publish("kept:a", "back") == "1" }, "the channel is subscribed again")
	for _, c := range []*proctest.Stream{one, two} {
		e := c.Next()
		for ; e.Data != "back"; e = c.Next() {
			if e.Name != "gap" && e.Name != "position" {
				t.Fatalf("%+v", e)
			}
		}
	}
	// What was missed while Redis was away can't be known.
	c := n.stream(streamPath(tok, "kept:a"), "Last-Event-ID", before)
	c.Expect("gap", "gap")
	c = n.stream(streamPath(tok, "kept:a", "kept:b"), "Last-Event-ID", beforeTwo)
	c.Expect("gap", "gap")
	c.Expect("gap", "gap")
	// The newest message, where the rule says so.
	s.publish("latest", "nobody keeps it yet")
	n.stream(streamPath(tok, "latest")).Expect("position", "")
	s.publish("latest", "newest")
	proctest.Eventually(t, patience, func() bool { return n.gate.hub.History().Messages > 1 }, "it is kept")
	n.stream(streamPath(tok, "latest")).Expect("", "newest")
}

// A client that comes back at another node goes on there, whether or not anybody
// listened there before.
func TestStreamResumesOnAnotherNode(t *testing.T) {
	t.Parallel()
	s := newStack(t, events)
	a, b := s.node(), s.node()
	tok := s.backend.Login("bob")
	other := b.stream(streamPath(s.backend.Login("alice"), "kept:1"))
	other.Expect("position", "")
	path := streamPath(tok, "kept:1", "kept:2")
	c := a.stream(path)
	c.Expect("position", "")
	for _, ch := range []string{"kept:1", "kept:2"} {
		s.publish(ch, "first of "+ch)
		c.Expect("", "first of "+ch)
		c.Expect("position", "")
	}
	c.Close()
	s.publish("kept:1", "missed 1")
	s.publish("kept:2", "missed 2")
	c = b.stream(path, "Last-Event-ID", c.LastID())
	c.Expect("", "missed 1")
	c.Expect("", "missed 2")
	s.publish("kept:2", "live")
	c.Expect("", "live")
	for _, want := range []string{"first of kept:1", "missed 1"} {
		other.Expect("", want)
	}
}
