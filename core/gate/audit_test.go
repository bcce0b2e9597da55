package gate

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/proctest"
)

func kinds(events []Event) []EventKind {
	var k []EventKind
	for _, e := range events {
		k = append(k, e.Kind)
	}
	return k
}

func TestAuditTellsOfEachLoginOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	a, b := s.node(), s.node()
	old, fresh := displacedAt(a, b, "bob")
	a.passes(old)
	a.passes(fresh)
	if got := kinds(a.gate.Events()); !slices.Equal(got, []EventKind{EventClaim}) {
		t.Errorf("the first node told %v", got)
	}
	told := b.gate.Events()
	if got := kinds(told); !slices.Equal(got, []EventKind{EventClaim, EventDisplaced}) {
		t.Fatalf("the second node told %v", got)
	}
	first, claim, displaced := a.gate.Events()[0], told[0], told[1]
	if claim.SID == "" || displaced.By != claim.SID || displaced.SID != first.SID || displaced.Account != claim.Account || displaced.Reason != "displaced" {
		t.Errorf("claim %+v, displaced %+v", claim, displaced)
	}
	b.do(b.request("POST", "/logout", "", "Authorization", "Bearer "+fresh))
	if got := b.gate.Events(); got[len(got)-1].Kind != EventLogout || got[len(got)-1].SID != claim.SID {
		t.Errorf("after a logout: %v", kinds(got))
	}
}

// However many sockets a login has, its end is one event.
func TestAuditTellsOfAnExpiryOnce(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	tok := s.backend.Login("bob")
	socks := []*proctest.Client{n.socket(tok), n.socket(tok), n.socket(tok)}
	n.admitted(len(socks))
	n.gate.hub.Each(func(s *hub.Socket) { s.SetExpires(time.Now()) })
	for _, c := range socks {
		c.ExpectClose(4504)
	}
	var expiries []Event
	for _, e := range n.gate.Events() {
		if e.Kind == EventExpiry {
			expiries = append(expiries, e)
		}
	}
	if len(expiries) != 1 || expiries[0].SID == "" {
		t.Errorf("%+v", expiries)
	}
}

func TestAuditKeepsTheLastAndCountsWhatAReaderMissed(t *testing.T) {
	t.Parallel()
	g := &Gate{audit: audit{server: make(chan Event)}}
	for i := range keepEvents + 10 {
		g.audit.add(Event{Kind: EventClaim, SID: strconv.Itoa(i)})
	}
	past, r, ok := g.ReadEvents()
	if !ok || len(past) != keepEvents || past[0].SID != "10" || past[keepEvents-1].SID != strconv.Itoa(keepEvents+9) {
		t.Fatalf("%d events kept", len(past))
	}
	defer r.Close()
	for range readerEvents + 7 {
		g.audit.add(Event{Kind: EventLogin})
	}
	for range readerEvents {
		if e := <-r.Events(); e.Missed != 0 {
			t.Fatalf("missed %d too early", e.Missed)
		}
	}
	g.audit.add(Event{Kind: EventKick})
	g.audit.add(Event{Kind: EventLogin})
	if e := <-r.Events(); e.Missed != 7 || e.Kind != EventKick {
		t.Errorf("%+v, want 7 missed", e)
	}
	if e := <-r.Events(); e.Missed != 0 {
		t.Errorf("%d missed told twice", e.Missed)
	}
}

func TestAuditReadersAreBoundedAndEndWithTheGate(t *testing.T) {
	t.Parallel()
	g := &Gate{}
	var all []*AuditReader
	for range maxReaders {
		_, r, ok := g.ReadEvents()
		if !ok {
			t.Fatal("refused too early")
		}
		all = append(all, r)
	}
	if _, _, ok := g.ReadEvents(); ok {
		t.Error("one reader too many")
	}
	all[0].Close()
	if _, _, ok := g.ReadEvents(); !ok {
		t.Error("a closed reader keeps its place")
	}
	g.audit.close()
	if _, open := <-all[1].Events(); open {
		t.Error("a reader outlives the gate")
	}
	all[1].Close()
	if _, _, ok := g.ReadEvents(); ok {
		t.Error("a closed gate has readers")
	}
}

// The server's handlers may be slow, and may panic: nobody waits for them.
func TestOnEventIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	hold, told := make(chan struct{}), make(chan Event, 8)
	f := func(e Event) {
		<-hold
		told <- e
		panic("handler")
	}
	n.gate.onAudit.Store(&f)
	for range 2 {
		if !n.passes(s.backend.Login("bob")) {
			t.Fatal("a login does not pass")
		}
	}
	close(hold)
	for _, want := range []EventKind{EventClaim, EventClaim, EventDisplaced} {
		select {
		case e := <-told:
			if e.Kind != want {
				t.Errorf("told %s, want %s", e.Kind, want)
			}
		case <-time.After(patience):
			t.Fatal("nobody was told")
		}
	}
}
