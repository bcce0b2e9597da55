package history

import (
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
}

// NewBreaks makes an empty table.
func NewBreaks() *Breaks {
	b := &Breaks{}
	b.open, _ = simplelru.NewLRU[breakKey, *Broken](maxBreaks, nil) // fails for a size below 1 alone
	return b
}

// Add remembers where a socket broke off, for so long.
func (b *Breaks) Add(login token.Fingerprint, channel string, at Position, keep time.Duration, now time.Time) {
	key := breakKey{login, channel}
	if o, ok := b.open.Get(key); ok && now.Before(o.until) {
		o.at = Older(o.at, at)
		o.away++
		if until := now.Add(keep); until.After(o.until) {
			o.until = until
		}
		return
	}
	if b.open.Add(key, &Broken{at: at, away: 1, until: now.Add(keep)}) {
		b.lost++
	}
}

// Take yields the oldest place where a socket of a login broke off; nil: none did.
// What it yields is to be released when the socket that took it ends.
func (b *Breaks) Take(login token.Fingerprint, channel string, now time.Time) (*Broken, Position) {
	key := breakKey{login, channel}
	o, ok := b.open.Get(key)
	if !ok {
		return nil, Position{}
	}
	if !now.Before(o.until) {
		b.open.Remove(key)
		return nil, Position{}
	}
	o.away = max(0, o.away-1)
	o.back++
	return o, o.at
}

// Release says that a socket has ended that took o, which may be nil.
func (b *Breaks) Release(login token.Fingerprint, channel string, o *Broken) {
	if o == nil {
		return
	}
	key := breakKey{login, channel}
	if o.back--; o.back+o.away > 0 {
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
