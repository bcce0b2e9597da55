package gate

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
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
	if got := kinds(a.gate.Events(EventID{})); !slices.Equal(got, []EventKind{EventClaim}) {
		t.Errorf("the first node told %v", got)
	}
	told := b.gate.Events(EventID{})
	if got := kinds(told); !slices.Equal(got, []EventKind{EventClaim, EventDisplaced}) {
		t.Fatalf("the second node told %v", got)
	}
	first, claim, displaced := a.gate.Events(EventID{})[0], told[0], told[1]
	if claim.SID == "" || displaced.By != claim.SID || displaced.SID != first.SID || displaced.Account != claim.Account || displaced.Reason != "displaced" {
		t.Errorf("claim %+v, displaced %+v", claim, displaced)
	}
	b.do(b.request("POST", "/logout", "", "Authorization", "Bearer "+fresh))
	if got := b.gate.Events(EventID{}); got[len(got)-1].Kind != EventLogout || got[len(got)-1].SID != claim.SID {
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
	told := func() bool {
		expiries = slices.DeleteFunc(n.gate.Events(EventID{}), func(e Event) bool { return e.Kind != EventExpiry })
		return len(expiries) > 0
	}
	proctest.Eventually(t, patience, told, "the expiry is told")
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
	past, r, ok := g.ReadEvents(EventID{})
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

func TestAuditGoesOnAfterAnEvent(t *testing.T) {
	t.Parallel()
	g := &Gate{audit: audit{life: 7}}
	if got := g.Events(EventID{7, 3}); len(got) != 0 {
		t.Errorf("of an empty trail %d", len(got))
	}
	for range keepEvents + 10 {
		g.audit.add(Event{Kind: EventClaim})
	}
	for _, tc := range []struct {
		after  EventID
		events int
		missed int
	}{
		{EventID{}, keepEvents, 0},
		{EventID{7, 10}, keepEvents, 0},
		{EventID{7, 11}, keepEvents - 1, 0},
		{EventID{7, 4}, keepEvents, 6},
		{EventID{7, keepEvents + 9}, 1, 0},
		{EventID{7, keepEvents + 10}, 0, 0},
		{EventID{7, keepEvents + 99}, 0, 0},
		{EventID{6, 500}, keepEvents, 0}, // of another life
	} {
		got := g.Events(tc.after)
		if len(got) != tc.events || len(got) > 0 && got[0].Missed != tc.missed {
			t.Errorf("after %s: %d events, want %d with %d missed", tc.after, len(got), tc.events, tc.missed)
		}
	}
}

func TestEventID(t *testing.T) {
	t.Parallel()
	for _, id := range []EventID{{}, {time.Now().UnixMilli(), 12}} {
		var got EventID
		if err := got.UnmarshalText([]byte(id.String())); err != nil || got != id {
			t.Errorf("%q is read as %+v, %v", id, got, err)
		}
	}
	for _, bad := range []string{"x", "-", "1-", "1-x", "1--1", "é-1", "1-99999999999999999999"} {
		if err := new(EventID).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestAuditReadersAreBoundedAndEndWithTheGate(t *testing.T) {
	t.Parallel()
	g := &Gate{}
	var all []*AuditReader
	for range maxReaders {
		_, r, ok := g.ReadEvents(EventID{})
		if !ok {
			t.Fatal("refused too early")
		}
		all = append(all, r)
	}
	if _, _, ok := g.ReadEvents(EventID{}); ok {
		t.Error("one reader too many")
	}
	all[0].Close()
	if _, _, ok := g.ReadEvents(EventID{}); !ok {
		t.Error("a closed reader keeps its place")
	}
	g.audit.close()
	if _, open := <-all[1].Events(); open {
		t.Error("a reader outlives the gate")
	}
	all[1].Close()
	if _, _, ok := g.ReadEvents(EventID{}); ok {
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

// last is the last event told of a kind.
func (n *node) last(kind EventKind) (last Event, ok bool) {
	for _, e := range n.gate.Events(EventID{}) {
		if e.Kind == kind {
			last, ok = e, true
		}
	}
	return last, ok
}

func TestAuditTellsOfDenialsAndTakeovers(t *testing.T) {
	t.Parallel()
	s := newStack(t, oldest, func(c *Config) {
		c.Login.Observe = []session.Observe{{Route: session.Route{Method: "POST", Path: "/login"}, Token: "body.token"}}
	})
	n := s.node()
	if res, body := n.do(n.request("POST", "/login", `{"username":"bob"}`)); res.StatusCode != 200 {
		t.Fatal(body)
	}
	login, ok := n.last(EventLogin)
	if !ok || login.SID == "" || login.Account != "1" {
		t.Errorf("login: %+v", login)
	}
	late := s.backend.Login("bob")
	_, d := n.denial(late)
	if e, ok := n.last(EventDenied); !ok || e.By != login.SID || e.Account != "1" {
		t.Errorf("denied: %+v", e)
	}
	if res, body := n.takeOver(late, d.Takeover); res.StatusCode != 200 {
		t.Fatal(body)
	}
	e, ok := n.last(EventTakeover)
	if !ok || e.SID == "" || e.SID == login.SID {
		t.Errorf("takeover: %+v", e)
	}
	if gone, ok := n.last(EventDisplaced); !ok || gone.SID != login.SID || gone.By != e.SID {
		t.Errorf("displaced: %+v", gone)
	}
}

// Two browsers that log in by themselves whenever they are displaced.
func TestAuditTellsOfFlapping(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	cookies := make([]string, 2)
	for i := range 12 {
		at := i % 2
		headers := []string{"User-Agent", "browser " + strconv.Itoa(at)}
		if cookies[at] != "" {
			headers = append(headers, "Cookie", cookies[at])
		}
		res, _ := n.get(s.backend.Login("bob"), headers...)
		for _, c := range res.Cookies() {
			cookies[at] = c.Name + "=" + c.Value
		}
	}
	if e, ok := n.last(EventFlap); !ok || e.By == "" || e.Account != "1" {
		t.Errorf("flap: %+v of %v", e, kinds(n.gate.Events(EventID{})))
	}
}

func TestAuditTellsOfOutages(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(c *Config) { c.Login.Fail = session.FailClosed })
	n := s.node()
	for cause, outage := range map[string]struct{ begin, end func() }{
		"introspect": {func() { s.backend.SetFault(proctest.Error500) }, func() { s.backend.SetFault(proctest.NoFault) }},
		"redis":      {s.redis.Kill, s.redis.Start},
	} {
		outage.begin()
		told := func(kind EventKind) func() bool {
			return func() bool {
				n.passes(s.backend.Login("bob"))
				e, ok := n.last(kind)
				return ok && e.Reason == cause
			}
		}
		proctest.Eventually(t, patience, told(EventFailBegin), cause+" is told to be down")
		outage.end()
		proctest.Eventually(t, patience, told(EventFailEnd), cause+" is told to be up again")
	}
}

// A token that the backend can't cope with begins and ends no outage with each request.
func TestOutagesDoNotFlap(t *testing.T) {
	t.Parallel()
	n := newStack(t).node()
	o := &outage{what: "introspect"}
	bad := errors.New("status 500")
	begun := func() (count int) {
		for _, e := range n.gate.Events(EventID{}) {
			if e.Kind == EventFailBegin {
				count++
			}
		}
		return count
	}
	for range 50 {
		n.gate.begin(o, bad)
		n.gate.end(o)
	}
	if got := begun(); got != 1 {
		t.Errorf("told of %d outages, want 1", got)
	}
	for range outageFails {
		n.gate.begin(o, bad)
	}
	if got := begun(); got != 2 || o.since.Load() == 0 {
		t.Errorf("after failures in a row told of %d outages, want 2", got)
	}
	n.gate.end(o)
	o.ended.Store(time.Now().Add(-outageRest).UnixNano())
	n.gate.begin(o, bad)
	if got := begun(); got != 3 {
		t.Errorf("later told of %d outages, want 3", got)
	}
}

// A page that is closed during its handshake tells nothing of what it waited for.
func TestClientThatLeavesIsNoOutage(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	asks := func(ctx context.Context, tok string) int {
		r := n.request(http.MethodGet, "/ws", "", "Connection", "Upgrade", "Upgrade", "websocket",
			"Sec-Websocket-Version", "13", "Sec-Websocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==", "Authorization", "Bearer "+tok)
		w := httptest.NewRecorder()
		n.srv.Config.Handler.ServeHTTP(w, r.WithContext(ctx))
		return w.Code
	}
	for cause, outage := range map[string]struct{ begin, end func() }{
		"introspect": {func() { s.backend.SetFault(proctest.Hang) }, func() { s.backend.SetFault(proctest.NoFault) }},
		"redis":      {s.redis.Pause, s.redis.Resume},
	} {
		tok := s.backend.Login("bob")
		if cause == "redis" && !n.passes(tok) { // whose it is is known: only the claim waits
			t.Fatal("a live login is refused")
		}
		before := s.backend.Calls("/getInfo")
		outage.begin()
		ctx, leave := context.WithCancel(t.Context())
		status := make(chan int)
		go func() { status <- asks(ctx, tok) }()
		if cause == "introspect" {
			proctest.Eventually(t, patience, func() bool { return s.backend.Calls("/getInfo") > before }, "the backend is asked")
		}
		leave()
		if got := <-status; got != http.StatusServiceUnavailable {
			t.Errorf("%s: status %d", cause, got)
		}
		outage.end()
		if e, ok := n.last(EventFailBegin); ok {
			t.Errorf("%s: told of an outage: %+v", cause, e)
		}
	}
	if got := n.gate.metrics.unverified.Load(); got != 0 {
		t.Errorf("%d logins count as unverified", got)
	}
}
