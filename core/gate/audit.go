package gate

import (
	"log/slog"
	"sync"
	"time"
)

// EventKind is what happened to a login.
type EventKind string

// The kinds. Each event is told once, by the node that acted.
const (
	// EventLogin: the backend's own login was observed, and admitted.
	EventLogin EventKind = "login"
	// EventClaim: a login that nobody saw begin was admitted.
	EventClaim EventKind = "claim"
	// EventDisplaced: a login ended for a newer one, By.
	EventDisplaced EventKind = "displaced"
	// EventDenied: the oldest win, and this login is not one of them.
	EventDenied EventKind = "denied"
	// EventTakeover: a denied login took a seat over.
	EventTakeover EventKind = "takeover"
	// EventKick: an administrator, or the account itself from another login, ended it.
	EventKick EventKind = "kick"
	// EventLogout: it ended itself.
	EventLogout EventKind = "logout"
	// EventExpiry: the token of an open socket ended.
	EventExpiry EventKind = "expiry"
	// EventFlap: a displaced client came back too often, and was refused.
	EventFlap EventKind = "flap"
	// EventFailBegin and EventFailEnd: logins can't be verified, for the Reason.
	EventFailBegin EventKind = "fail_open_begin"
	EventFailEnd   EventKind = "fail_open_end"
)

// Event is one entry of the audit trail. It names logins by their sid, and never
// holds a token or a session id of the backend.
type Event struct {
	// ID orders the events of a gate on one node.
	ID      EventID   `json:"id"`
	Kind    EventKind `json:"kind"`
	At      time.Time `json:"at"`
	Gate    string    `json:"gate"`
	Account string    `json:"account,omitempty"`
	SID     string    `json:"sid,omitempty"`
	// By is the sid of the newer login, or who kicked.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
	IP     string `json:"ip,omitempty"`
	Device string `json:"device,omitempty"`
	// Missed is how many events were dropped before this one, for a reader that
	// was too slow.
	Missed int `json:"missed,omitempty"`
}

const (
	keepEvents   = 1024 // of the past, for those who come later
	readerEvents = 256  // that wait for one reader
	serverEvents = 1024 // that wait for Options.OnEvent
	maxReaders   = 16   // of a gate
)

// audit keeps the last events and tells readers of new ones. It never blocks. Safe
// for concurrent use.
type audit struct {
	// server is what waits for Options.OnEvent: it may run anybody's handlers.
	server chan Event

	mu      sync.Mutex
	life    int64 // of this gate, in the ids
	count   uint64
	past    []Event // a ring once it is full
	next    int
	readers map[*AuditReader]struct{}
	closed  bool
	missed  int // by Options.OnEvent
}

// AuditReader gets events as they happen. Close it.
type AuditReader struct {
	of     *audit
	events chan Event
	missed int // under audit.mu
}

// emit tells of an event: the log, the server's own event system, and readers.
func (g *Gate) emit(e Event) {
	e.At, e.Gate = time.Now().UTC(), g.name
	g.logger().LogAttrs(g.ctx, slog.LevelInfo, "audit",
		slog.String("kind", string(e.Kind)), slog.String("gate", e.Gate), slog.String("account", e.Account),
		slog.String("sid", e.SID), slog.String("by", e.By), slog.String("reason", e.Reason),
		slog.String("ip", e.IP), slog.String("device", e.Device))
	g.audit.add(e)
}

func (a *audit) add(e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.count++
	e.ID = EventID{a.life, a.count}
	if len(a.past) < keepEvents {
		a.past = append(a.past, e)
	} else {
		a.past[a.next] = e
		a.next = (a.next + 1) % keepEvents
	}
	offer(a.server, e, &a.missed)
	for r := range a.readers {
		offer(r.events, e, &r.missed)
	}
}

// offer gives an event to a reader that has room for it, and counts it else.
func offer(to chan<- Event, e Event, missed *int) {
	e.Missed = *missed
	select {
	case to <- e:
		*missed = 0
	default:
		*missed++
	}
}

// tellServer hands events to the server's own event system until ctx ends.
func (g *Gate) tellServer() {
	for {
		select {
		case <-g.ctx.Done():
			return
		case e := <-g.audit.server:
			g.tellOne(e)
		}
	}
}

func (g *Gate) tellOne(e Event) {
	var err error
	defer g.recovered("event handler", &err)
	if f := g.onAudit.Load(); f != nil {
		(*f)(e)
	}
}

// Events are those of the last 1,024 that came after one, the oldest first. The zero
// EventID, and one of another life of the gate, comes before all. The first event's
// Missed says how many are lost.
func (g *Gate) Events(after EventID) []Event {
	g.audit.mu.Lock()
	defer g.audit.mu.Unlock()
	return g.audit.after(after)
}

// after must be called with mu held.
func (a *audit) after(id EventID) []Event {
	past := append(append([]Event(nil), a.past[a.next:]...), a.past[:a.next]...)
	if id.life != a.life || len(past) == 0 {
		return past
	}
	first := past[0].ID.n
	if id.n+1 < first {
		past[0].Missed = int(first - id.n - 1) //nolint:gosec // a count of events
		return past
	}
	return past[min(id.n+1-first, uint64(len(past))):]
}

// ReadEvents yields what Events does and a reader of what happens from then on, or
// false where as many as may be (16) are reading already, or the gate is closed. A
// reader that falls 256 events behind misses some, and is told how many.
func (g *Gate) ReadEvents(after EventID) (past []Event, r *AuditReader, ok bool) {
	a := &g.audit
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || len(a.readers) >= maxReaders {
		return nil, nil, false
	}
	if a.readers == nil {
		a.readers = map[*AuditReader]struct{}{}
	}
	r = &AuditReader{of: a, events: make(chan Event, readerEvents)}
	a.readers[r] = struct{}{}
	return a.after(after), r, true
}

// Events is closed when the gate is.
func (r *AuditReader) Events() <-chan Event { return r.events }

// Close ends the reading.
func (r *AuditReader) Close() {
	r.of.mu.Lock()
	defer r.of.mu.Unlock()
	delete(r.of.readers, r)
}

// close ends all readers.
func (a *audit) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	for r := range a.readers {
		close(r.events)
	}
	a.readers = nil
}
