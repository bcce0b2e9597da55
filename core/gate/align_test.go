package gate

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/proctest"
)

// historyOf gives the channels data_imei:{id} a history.
func historyOf(c *Config) {
	gap := "gap"
	c.Sockets[0].Messages.Gap = &gap
	c.Sockets[0].Channels[0].History = &channel.History{Messages: 100, For: conf.Duration(time.Minute)}
	c.Sockets[0].Channels[0].Resume = conf.Duration(time.Minute)
}

// settled waits until a channel's numbers hold on a node, and yields its place.
func (n *node) settled(channel string) (epoch string, offset uint64) {
	n.t.Helper()
	proctest.Eventually(n.t, patience, func() bool {
		p := n.gate.hub.Places([]string{channel}, 0)[0]
		if p == nil || !p.Settled {
			return false
		}
		epoch, offset = p.Epoch, p.Offset
		return true
	}, channel+" has a place")
	return epoch, offset
}

// Nodes that come to a channel at different times have the same epoch and numbers for
// it, and the messages from before they came.
func TestNodesAgreeOnNumbers(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	first, second := s.node(), s.node()
	a := first.socket(s.backend.Login("alice"))
	a.Send("data_imei:7")
	first.settled("data_imei:7")
	for _, m := range []string{"1", "2", "3"} {
		s.publish("data_imei:7", m)
		a.Expect(m)
	}
	b := second.socket(s.backend.Login("bob"))
	b.Send("data_imei:7")
	second.settled("data_imei:7")
	s.publish("data_imei:7", "4")
	a.Expect("4")
	b.Expect("4")
	e1, o1 := first.settled("data_imei:7")
	e2, o2 := second.settled("data_imei:7")
	if e1 != e2 || o1 != 4 || o2 != 4 {
		t.Errorf("%s %d and %s %d", e1, o1, e2, o2)
	}
	if got := second.gate.hub.Range("data_imei:7", e2, 1, 4, 1<<20); len(got) != 4 || string(got[0].Payload) != "1" {
		t.Errorf("the second node has %v", got)
	}
}

// A node whose link broke gets what it missed from another, and its clients do.
func TestHoleIsFilledByAnotherNode(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	first := s.node()
	link := proctest.Proxy(t, s.redis.Addr())
	s.cfg.Redis.URLs = []string{"redis://" + link.Addr()}
	second := s.node()
	a, b := first.socket(s.backend.Login("alice")), second.socket(s.backend.Login("bob"))
	a.Send("data_imei:7")
	first.settled("data_imei:7")
	b.Send("data_imei:7")
	second.settled("data_imei:7")
	s.publish("data_imei:7", "1")
	a.Expect("1")
	b.Expect("1")
	link.Stall()
	for _, m := range []string{"2", "3"} {
		s.publish("data_imei:7", m)
		a.Expect(m)
	}
	link.Cut()
	link.Go()
	b.Expect("gap")
	b.Expect("gap") // once more when the channel is live again
	b.Expect("2")
	b.Expect("3")
	s.publish("data_imei:7", "4")
	a.Expect("4")
	b.Expect("4")
	e1, o1 := first.settled("data_imei:7")
	if e2, o2 := second.settled("data_imei:7"); e1 != e2 || o1 != o2 {
		t.Errorf("%s %d and %s %d", e1, o1, e2, o2)
	}
	if st := second.gate.hub.History(); st.Filled != 2 || st.Broken != 0 {
		t.Errorf("%+v", st)
	}
}

// A client whose connection broke resumes at another node.
func TestResumeAtAnotherNode(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	first, second := s.node(), s.node()
	token := s.backend.Login("alice")
	a := first.socket(token)
	a.Send("data_imei:7")
	first.settled("data_imei:7")
	s.publish("data_imei:7", "1")
	a.Expect("1")
	a.Close()
	proctest.Eventually(t, patience, func() bool { return first.gate.hub.Count() == 0 }, "the break is seen")
	s.publish("data_imei:7", "2")
	s.publish("data_imei:7", "3")
	b := second.socket(token)
	b.Send("data_imei:7")
	for got := b.Next(); got != "2"; got = b.Next() {
		if got != "1" { // it may have broken before it was confirmed
			t.Fatalf("got %q", got)
		}
	}
	b.Expect("3")
	if err := b.Conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(time.Second)); err != nil {
		t.Error(err)
	}
}

// Channels whose history ended before they were live are not remembered for ever.
func TestAlignerForgetsWhatHasEnded(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	n := s.node()
	c := n.socket(s.backend.Login("bob"))
	c.Send("data_imei:7")
	n.settled("data_imei:7")
	a := n.gate.aligner
	for i := range 5 * manyOpen {
		a.add(fmt.Sprint("ended:", i))
	}
	proctest.Eventually(t, patience, func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		return len(a.open) <= manyOpen
	}, "they are forgotten")
}

// One that waits to be live, and so has a history, stays.
func TestAlignerKeepsWhatWaits(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	n := s.node()
	c := n.socket(s.backend.Login("bob"))
	n.gate.shared.Load().link.Close() // nothing becomes live
	c.Send("data_imei:7")
	a := n.gate.aligner
	waits := func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		_, ok := a.open["data_imei:7"]
		return ok
	}
	proctest.Eventually(t, patience, waits, "the channel is open")
	for i := range 5 * manyOpen {
		a.add(fmt.Sprint("ended:", i))
	}
	a.forget()
	if !waits() {
		t.Error("forgotten")
	}
}

// A page whose node has stopped is told that the others don't know what it missed; one
// that comes to a stack whose nodes are all there is told nothing.
func TestStoppedNodeIsMissed(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	first, second := s.node(), s.node()
	token := s.backend.Login("alice")
	a := first.socket(token)
	a.Send("data_imei:7")
	first.settled("data_imei:7")
	b := second.socket(s.backend.Login("bob"))
	b.Send("data_imei:7")
	second.settled("data_imei:7")
	s.publish("data_imei:7", "1")
	a.Expect("1")
	b.Expect("1") // and no gap
	if err := first.gate.Close(); err != nil {
		t.Fatal(err)
	}
	a.ExpectClose(1001)
	s.publish("data_imei:7", "2")
	b.Expect("2")
	c := second.socket(token)
	c.Send("data_imei:7")
	c.Expect("gap")
}

// A page that a node sends away while it stops gets what it missed at another: until the
// last client has gone the stopping node can be asked.
func TestStoppingNodeIsAsked(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	first, second := s.node(), s.node()
	token := s.backend.Login("alice")
	a, b := first.socket(token), second.socket(s.backend.Login("bob"))
	a.Send("data_imei:7")
	first.settled("data_imei:7")
	b.Send("data_imei:7")
	second.settled("data_imei:7")
	s.publish("data_imei:7", "1")
	a.Expect("1")
	b.Expect("1")
	// It reads nothing, so it does not answer the close.
	url := "ws" + strings.TrimPrefix(first.srv.URL, "http") + "/ws?token=" + s.backend.Login("carol")
	late, res, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	defer res.Body.Close()
	stopped := make(chan error)
	go func() { stopped <- first.gate.Close() }()
	a.ExpectClose(1001)
	s.publish("data_imei:7", "2")
	b.Expect("2")
	c := second.socket(token)
	c.Send("data_imei:7")
	got := c.Next()
	if got == "1" { // it may have gone before it had confirmed that
		got = c.Next()
	}
	select {
	case err := <-stopped: // on a slow machine: then it is told of a gap
		if err != nil || got != "2" && got != "gap" {
			t.Errorf("got %q, and %v", got, err)
		}
	default:
		if got != "2" {
			t.Errorf("got %q", got)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}
}
