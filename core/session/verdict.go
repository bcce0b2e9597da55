package session

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"
)

// Status is what the registry knows of a login.
type Status uint8

// The statuses.
const (
	// Unknown: never seen, or forgotten by Redis and all that this node knows.
	Unknown Status = iota
	// Live: admitted, and not ended since.
	Live
	// Dead: ended; see Reason.
	Dead
)

// String yields "unknown", "live" or "dead".
func (s Status) String() string {
	switch s {
	case Live:
		return "live"
	case Dead:
		return "dead"
	default:
		return "unknown"
	}
}

// Reason is why a login is dead.
type Reason string

// The reasons.
const (
	// ReasonDisplaced: by a newer login.
	ReasonDisplaced Reason = "displaced"
	// ReasonSuperseded: by a newer login in the same browser.
	ReasonSuperseded Reason = "superseded"
	// ReasonKicked: by an administrator.
	ReasonKicked Reason = "kicked"
	// ReasonLogout: by its own logout.
	ReasonLogout Reason = "logout"
	// ReasonDenied: by the holders of all seats, where the oldest logins win. Only a
	// Reconciler tells it, of a socket that was accepted while Redis was down.
	ReasonDenied Reason = "denied"
	// ReasonStale: it arrived when a login that is newer at the backend was live.
	ReasonStale Reason = "stale"
)

// Verdict is what the registry says of a login.
type Verdict struct {
	Status Status
	// Account and Identity name the login. They may be set with Unknown, where
	// the token is known but the login is not. Account is "" in an Event of an
	// account that this node has not met.
	Account  string
	Identity Identity
	// SID, Epoch and Seq are those of the life that the verdict is about. Seq is
	// 0 where the login was never admitted.
	SID   string
	Epoch string
	Seq   int64
	// Exempt says that a live login takes no seat.
	Exempt bool

	// The rest is for Dead only.

	Reason Reason
	// By is the newer login, as far as the one that it displaced is told of it.
	// Its SID is "" where there is none.
	By Holder
	// At is when it ended, by Redis' clock: for people to read.
	At time.Time
	// SilentUntil is until when HTTP requests of a superseded login pass, by this
	// node's clock. Zero: they don't.
	SilentUntil time.Time
	// GraceUntil is until when a displaced login may still read, by this node's
	// clock. Zero: it may not.
	GraceUntil time.Time
	// Returns is how often a superseded login came back on a socket.
	Returns int
}

// apply copies what was given at admission.
func (v *Verdict) apply(l *Login) {
	l.Identity, l.SID, l.Epoch, l.Seq, l.Exempt = v.Identity, v.SID, v.Epoch, v.Seq, v.Exempt
}

// tombstone is a dead login in Redis; lua/common.lua has what the names mean.
type tombstone struct {
	SID     string `json:"s"`
	Epoch   string `json:"e"`
	Seq     string `json:"q"`
	Reason  Reason `json:"r"`
	By      string `json:"by"`
	ByIP    string `json:"bi"`
	ByWhat  string `json:"bd"`
	At      string `json:"at"`
	Returns string `json:"n"`
}

// atoi reads a number that a script wrote; damage reads as 0.
func atoi(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func ms(s string) time.Duration { return time.Duration(atoi(s)) * time.Millisecond }

// view is a verdict with what it was made of, to be put back into Redis should
// it forget. Immutable. There is one for every login with a socket, so it holds no
// more of a live one than there is to say.
type view struct {
	Status   Status
	Exempt   bool
	Account  string
	Identity Identity
	SID      string
	Epoch    string
	Seq      int64
	death    *death // nil while it is live
	raw      string // the entry or tombstone
	fresh    moment // until when the verdict serves without asking Redis
}

// moment is a time of this process. It may be put off, also of what is immutable
// otherwise. Zero is long ago.
type moment struct{ since atomic.Int64 }

var processBegan = time.Now()

func (m *moment) set(t time.Time) { m.since.Store(int64(t.Sub(processBegan))) }

func (m *moment) passed(now time.Time) bool {
	at := m.since.Load()
	return at == 0 || int64(now.Sub(processBegan)) >= at
}

// death is what a view has of a dead login beside that.
type death struct {
	verdict Verdict   // all of it
	ends    time.Time // of the tombstone
}

// verdict is what the view says.
func (v *view) verdict() Verdict {
	if v.death != nil {
		return v.death.verdict
	}
	return Verdict{
		Status: v.Status, Account: v.Account, Identity: v.Identity,
		SID: v.SID, Epoch: v.Epoch, Seq: v.Seq, Exempt: v.Exempt,
	}
}

// lasts says that the tombstone of a dead login has not ended.
func (v *view) lasts(now time.Time) bool { return v.death != nil && now.Before(v.death.ends) }

func (v *view) copied() *view {
	n := &view{
		Status: v.Status, Exempt: v.Exempt, Account: v.Account, Identity: v.Identity,
		SID: v.SID, Epoch: v.Epoch, Seq: v.Seq, death: v.death, raw: v.raw,
	}
	n.fresh.since.Store(v.fresh.since.Load())
	return n
}

// named is the view with an account's name.
func (v *view) named(account string) *view {
	n := v.copied()
	n.Account = account
	if v.death != nil {
		d := *v.death
		d.verdict.Account = account
		n.death = &d
	}
	return n
}

// The times a verdict serves without asking Redis.
const (
	liveFor = 2 * time.Second
	deadFor = time.Minute
)

func liveView(account string, id Identity, raw string, now time.Time) (*view, error) {
	// Of the entry only what is said of a live login.
	var e struct {
		SID    string `json:"s"`
		Epoch  string `json:"e"`
		Seq    string `json:"q"`
		Exempt string `json:"ex"`
	}
	if err := json.Unmarshal([]byte(raw), &e); err != nil {
		return nil, fmt.Errorf("session: entry in Redis: %w", err)
	}
	w := &view{
		Status: Live, Account: account, Identity: id,
		SID: e.SID, Epoch: e.Epoch, Seq: atoi(e.Seq), Exempt: e.Exempt != "",
		raw: raw,
	}
	w.fresh.set(now.Add(liveFor))
	return w, nil
}

// times are how long a tombstone, and what it still allows, last.
type times struct{ life, silence, grace time.Duration }

func deadView(account string, id Identity, raw string, last times, now time.Time) (*view, error) {
	var t tombstone
	if err := json.Unmarshal([]byte(raw), &t); err != nil {
		return nil, fmt.Errorf("session: tombstone in Redis: %w", err)
	}
	d := &death{ends: now.Add(last.life)}
	d.verdict = Verdict{
		Status: Dead, Account: account, Identity: id,
		SID: t.SID, Epoch: t.Epoch, Seq: atoi(t.Seq),
		Reason: t.Reason, At: time.UnixMilli(atoi(t.At)), Returns: int(atoi(t.Returns)),
		By: Holder{SID: t.By, IP: MaskIP(t.ByIP), Device: t.ByWhat, Since: time.UnixMilli(atoi(t.At))},
	}
	if last.grace > 0 {
		d.verdict.GraceUntil = now.Add(last.grace)
	}
	if last.silence > 0 {
		d.verdict.SilentUntil = now.Add(last.silence)
	}
	w := &view{
		Status: Dead, Account: account, Identity: id, SID: t.SID, Epoch: t.Epoch, Seq: d.verdict.Seq,
		death: d, raw: raw,
	}
	w.fresh.set(now.Add(min(last.life, deadFor)))
	return w, nil
}

// supersedes says whether a view may replace an earlier one of its identity.
// Answers and events can overtake each other.
func (v *view) supersedes(old *view) bool {
	switch {
	case old == nil:
		return true
	case v.SID == old.SID:
		return v.Status == Dead || old.Status == Live // a dead sid never lives again
	case v.Epoch == old.Epoch && v.Seq > 0 && old.Seq > 0:
		return v.Seq >= old.Seq // equal where a failover had the seq given twice
	default:
		return true
	}
}
