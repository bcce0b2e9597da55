package gate

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

const (
	owedLogins = 4096
	owedFor    = time.Minute
)

// owed are observed logins that could not be claimed at once, by token: their
// first request claims, as what it is. It is safe for concurrent use.
type owed struct {
	claims *lru.Cache[token.Fingerprint, debt]
}

type debt struct {
	session.Claim
	until time.Time
}

func newOwed() *owed {
	c, err := lru.New[token.Fingerprint, debt](owedLogins)
	if err != nil {
		panic("gate: " + err.Error()) // the size is a positive constant
	}
	return &owed{claims: c}
}

func (o *owed) add(fp token.Fingerprint, c session.Claim, now time.Time) {
	o.claims.Add(fp, debt{c, now.Add(owedFor)})
}

func (o *owed) get(fp token.Fingerprint, now time.Time) (session.Claim, bool) {
	d, ok := o.claims.Get(fp)
	return d.Claim, ok && now.Before(d.until)
}

func (o *owed) remove(fp token.Fingerprint) { o.claims.Remove(fp) }
