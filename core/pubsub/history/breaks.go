package history

import (
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/wsgate/wsgate/core/token"
)

// maxBreaks is how many open breaks are remembered; beyond them the oldest goes.
const maxBreaks = 65536

// Breaks are the places where sockets of logins broke off. Make them with NewBreaks.
//
// Which tab of a login it is that comes back can't be seen. A break is therefore closed
// when as many sockets have come back as broke off, and the one that came back last has
// gone as well: a tab that is opened while another is away must not get what is for
// that one alone.
type Breaks struct {
	open *simplelru.LRU[breakKey, *Broken]
	lost uint64
}

type breakKey struct {
	login   token.Fingerprint
	channel string
}

// Broken is one open break: the oldest place of several sockets of one login.
type Broken struct {
	at    Position
	away  int // sockets that have not come back
	back  int // sockets that came back, and are there
	until time.Time

	lent []lent
}

// lent is a place that another node was told, until a time.
type lent struct {
	at    Position
	until time.Time
}

// maxLent is how many of them one break has.
const maxLent = 16

// current forgets what was lent too long ago.
func (o *Broken) current(now time.Time) []lent {
	o.lent = slices.DeleteFunc(o.lent, func(l lent) bool { return !now.Before(l.until) })
	return o.lent
}

func (o *Broken) lend(at Position, now time.Time, grace time.Duration) {
	if len(o.current(now)) == maxLent {
		at = Older(at, o.lent[0].at)
		o.lent = slices.Delete(o.lent, 0, 1)
	}
	o.lent = append(o.lent, lent{at, now.Add(grace)})
}

// place is the oldest place that counts now.
func (o *Broken) place(now time.Time) (at Position, ok bool) {
	if o.away+o.back > 0 && now.Before(o.until) {
		at, ok = o.at, true
	}
	for _, l := range o.current(now) {
		if ok {
			l.at = Older(at, l.at)
		}
		at, ok = l.at, true
	}
	return at, ok
}

// NewBreaks makes an empty table.
func NewBreaks() *Breaks {
	b := &Breaks{}
	b.open, _ = simplelru.NewLRU[breakKey, *Broken](maxBreaks, nil) // fails for a size below 1 alone
	return b
}

// Add remembers where a socket broke off, for so long.
func (b *Breaks) Add(login token.Fingerprint, channel string, at Position, keep time.Duration, now time.Time) {
	o := b.get(breakKey{login, channel})
	if o.away+o.back > 0 && now.Before(o.until) {
		at = Older(o.at, at)
	} else {
		o.away, o.back, o.until = 0, 0, time.Time{}
	}
	o.at = at
	o.away++
	if until := now.Add(keep); until.After(o.until) {
		o.until = until
	}
}

func (b *Breaks) get(key breakKey) *Broken {
	o, ok := b.open.Get(key)
	if !ok {
		o = &Broken{}
		if b.open.Add(key, o) {
			b.lost++
		}
	}
	return o
}

// Take yields the oldest place where a socket of a login broke off; nil: none did.
// What it yields is to be released when the socket that took it ends.
func (b *Breaks) Take(login token.Fingerprint, channel string, now time.Time) (*Broken, Position) {
	key := breakKey{login, channel}
	o, ok := b.open.Get(key)
	if !ok {
		return nil, Position{}
	}
	at, ok := o.place(now)
	if !ok {
		b.open.Remove(key)
		return nil, Position{}
	}
	if o.away+o.back > 0 {
		o.away = max(0, o.away-1)
		o.back++
	}
	return o, at
}

// Lend is Take for a socket that has come to another node. Whether it got there nobody
// knows, so the place stays for the grace.
func (b *Breaks) Lend(login token.Fingerprint, channel string, now time.Time, grace time.Duration) (at Position, ok bool) {
	o, ok := b.open.Get(breakKey{login, channel})
	if !ok {
		return Position{}, false
	}
	if at, ok = o.place(now); !ok {
		return Position{}, false
	}
	if o.away+o.back > 0 {
		o.away, o.back = 0, 0
		o.lend(o.at, now, grace)
	}
	return at, true
}

// Lent remembers for the grace what another node was told of a socket that broke off
// after that.
func (b *Breaks) Lent(login token.Fingerprint, channel string, at Position, now time.Time, grace time.Duration) {
	b.get(breakKey{login, channel}).lend(at, now, grace)
}

// Release says that a socket has ended that took o, which may be nil.
func (b *Breaks) Release(login token.Fingerprint, channel string, o *Broken) {
	if o == nil || o.back == 0 {
		return
	}
	key := breakKey{login, channel}
	if o.back--; o.back+o.away > 0 || len(o.lent) > 0 {
		return
	}
	if now, ok := b.open.Peek(key); ok && now == o {
		b.open.Remove(key)
	}
}

// Len is how many there are, those that are too old included, and lost how many went
// before their time, to make room for others.
func (b *Breaks) Len() (open int, lost uint64) { return b.open.Len(), b.lost }

// Older is the older of two places in one channel; one of them is no position, or they
// are of different epochs: no position, for nothing is known of what lies between.
func Older(a, b Position) Position {
	switch {
	case a.Epoch != b.Epoch:
		return Position{}
	case a.Offset < b.Offset:
		return a
	}
	return b
}
