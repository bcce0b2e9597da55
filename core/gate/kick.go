package gate

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/wsgate/wsgate/core/session"
)

// maxReason bounds why a login was kicked, in bytes.
const maxReason = 200

// ErrKick: the request does not say which logins to end.
var ErrKick = errors.New("gate: which logins?")

// Kick says which logins to end: one, all of an account, or all but one of it.
type Kick struct {
	// Account is whose. With SID it may be left out.
	Account string `json:"account"`
	SID     string `json:"sid,omitempty"`
	All     bool   `json:"all,omitempty"`
	AllBut  string `json:"all_but,omitempty"`
	// Reason is for the audit trail, at most 200 bytes.
	Reason string `json:"reason,omitempty"`
	// By is who wants it, for the audit trail.
	By string `json:"-"`
}

// Ended is a login that was ended.
type Ended struct {
	SID     string `json:"sid"`
	Account string `json:"account"`
}

func (k *Kick) selector() (s session.Selector, err error) {
	n := 0
	if k.SID != "" {
		s, n = session.One(k.SID), n+1
	}
	if k.All {
		s, n = session.All(), n+1
	}
	if k.AllBut != "" {
		s, n = session.AllBut(k.AllBut), n+1
	}
	switch {
	case k.Account == "" && k.SID == "":
		return s, kickError("name the account")
	case n != 1:
		return s, kickError("send one of sid, all and all_but")
	case len(k.Reason) > maxReason:
		return s, kickError("the reason has more than 200 bytes")
	case !utf8.ValidString(k.Reason) || strings.ContainsFunc(k.Reason, unicode.IsControl):
		return s, kickError("the reason must be plain text")
	}
	return s, nil
}

type kickError string

func (e kickError) Error() string { return ErrKick.Error() + " " + string(e) }
func (kickError) Unwrap() error   { return ErrKick }

// Kick ends logins, on all nodes, and returns them: none where none of those that
// it names was live. Errors: ErrNoLogins, ErrKick, session.ErrAccount, and those of
// Redis.
func (g *Gate) Kick(ctx context.Context, k Kick) ([]Ended, error) {
	sh := g.shared.Load()
	if !sh.login {
		return nil, ErrNoLogins
	}
	which, err := k.selector()
	if err != nil {
		return nil, err
	}
	if k.Account == "" {
		in, live, err := sh.registry.Find(ctx, k.SID)
		if err != nil || !live {
			return nil, err
		}
		k.Account = in.Account
	}
	vs, err := sh.registry.Revoke(ctx, k.Account, which, session.ReasonKicked)
	if err != nil {
		return nil, err
	}
	ended := make([]Ended, len(vs))
	for i := range vs {
		ended[i] = Ended{SID: vs[i].SID, Account: k.Account}
		g.emit(Event{Kind: EventKick, Account: k.Account, SID: vs[i].SID, By: k.By, Reason: k.Reason})
	}
	return ended, nil
}
