package session

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// Kept is a Login as it is kept for each socket. Of one that is remembered as live it
// has no more than the registry has not, for there are many of them. Immutable, and
// safe for concurrent use.
type Kept struct {
	login   *wholeLogin // nil: it is remembered
	rec     *record
	sid     string
	token   token.Fingerprint
	browser string
}

// wholeLogin is a login that nothing is remembered of, such as one that was accepted while
// Redis was down.
type wholeLogin struct {
	Login
	order int64 // among those of this process
}

var wholeLogins atomic.Int64

// Keep makes a Kept of a login. A nil Registry remembers none.
func (r *Registry) Keep(l Login) *Kept {
	l.raw = ""
	if r != nil {
		if rec, sid := r.verdicts.pin(&l); rec != nil {
			return &Kept{rec: rec, sid: sid, token: l.Token, browser: l.Browser}
		}
	}
	return &Kept{login: &wholeLogin{l, wholeLogins.Add(1)}}
}

// Login is the login that is kept, without what only its entry in Redis says. Where it
// has died since, or lives again, Epoch and Seq are left out.
func (k *Kept) Login() Login {
	if k.login != nil {
		return k.login.Login
	}
	w := k.rec.view.Load()
	l := Login{Account: w.Account, Identity: w.Identity, SID: k.sid, Token: k.token, Browser: k.browser}
	if w.Status == Live && w.SID == k.sid {
		l.Epoch, l.Seq, l.Exempt, l.raw = w.Epoch, w.Seq, w.Exempt, w.raw
	}
	return l
}

// live is what is remembered of the login; nil unless that is that it lives.
func (k *Kept) live() *view {
	if k.rec == nil {
		return nil
	}
	if w := k.rec.view.Load(); w.Status == Live && w.SID == k.sid {
		return w
	}
	return nil
}

// SID is the login's.
func (k *Kept) SID() string {
	if k.login != nil {
		return k.login.SID
	}
	return k.sid
}

// Token is the login's.
func (k *Kept) Token() token.Fingerprint {
	if k.login != nil {
		return k.login.Token
	}
	return k.token
}

// order is in which order logins were kept that are not remembered; 0 for others.
func (k *Kept) order() int64 {
	if k.login != nil {
		return k.login.order
	}
	return 0
}

// whole is the login with what its entry says.
func (l Login) whole() Login {
	var e entry
	if l.raw == "" || json.Unmarshal([]byte(l.raw), &e) != nil {
		return l
	}
	l.Name, l.Dept, l.Device, l.IP, l.UserAgent = e.Name, e.Dept, e.Device, e.IP, e.UserAgent
	l.LoginTime, l.Expires = fromMillis(e.LoginTime), fromMillis(e.Expires)
	return l
}

func fromMillis(millis string) time.Time {
	if n := atoi(millis); n > 0 {
		return time.UnixMilli(n)
	}
	return time.Time{}
}

// pin has what is remembered of a live login outlast its being forgotten, and yields it
// with its SID; nil where something else is remembered.
func (d *Verdicts) pin(l *Login) (*record, string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	rec := d.logins[l.Identity]
	if rec == nil {
		return nil, ""
	}
	w := rec.view.Load()
	if w == nil || w.Status != Live || w.SID != l.SID || w.Account != l.Account {
		return nil, ""
	}
	rec.pinned = true
	return rec, w.SID
}
