package session

import (
	"context"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// Release ends a live login by its logout. It ends that very login or nothing: a
// newer one of the account, or a newer life of its identity, is not touched. Where
// Redis has forgotten the login it is put back first, or another node would.
func (r *Registry) Release(ctx context.Context, v Verdict) error {
	_, err := r.revoke(ctx, v.Account, "login", v.Identity.String(), v.SID, ReasonLogout)
	return err
}

// Selector says which logins of an account to end.
type Selector struct{ which, sid string }

// One selects the login with this sid.
func One(sid string) Selector { return Selector{"sid", sid} }

// All selects every login.
func All() Selector { return Selector{"all", ""} }

// AllBut selects every login but the one with this sid.
func AllBut(sid string) Selector { return Selector{"but", sid} }

// Revoke ends the selected live logins of an account and returns them: those that
// Redis knows, and those that this node knows and Redis forgot. Logins that were
// never claimed are not affected.
func (r *Registry) Revoke(ctx context.Context, account string, s Selector, reason Reason) ([]Verdict, error) {
	return r.revoke(ctx, account, s.which, "", s.sid, reason)
}

func (r *Registry) revoke(ctx context.Context, account, which, identity, sid string, reason Reason) ([]Verdict, error) {
	hash, err := r.keys.hash(account)
	if err != nil {
		return nil, err
	}
	var calls []call
	for _, w := range r.verdicts.live(hash) {
		if which == "all" || which == "but" && w.SID != sid || which == "sid" && w.SID == sid || which == "login" && w.Identity.String() == identity {
			calls = append(calls, r.restoreCall(hash, account, w))
		}
	}
	calls = append(calls, call{r.lua.revoke, r.keys.account(hash), []any{
		which, identity, sid, string(reason), r.rememberMS(), hash, r.keys.events,
	}})
	replies, err := r.exec(ctx, calls)
	if err != nil {
		return nil, err
	}
	for i := range replies[:len(replies)-1] {
		r.hear(replies[i].event)
	}
	return r.hear(replies[len(replies)-1].event), nil
}

// Returned counts that a superseded login came back on a socket. The first time
// is its page's own reconnect, to be closed in silence; silent is false from the
// second on, and for every other login.
func (r *Registry) Returned(ctx context.Context, v Verdict) (silent bool, err error) {
	hash, err := r.keys.hash(v.Account)
	if err != nil {
		return false, err
	}
	replies, err := r.exec(ctx, []call{{r.lua.returned, r.keys.account(hash), []any{v.Identity.String(), random()}}})
	if err != nil {
		return false, err
	}
	w, err := replies[0].view(v.Account, time.Now())
	if err != nil || w == nil {
		return false, err
	}
	w = r.learn(hash, w, token.Fingerprint{})
	v = w.verdict()
	return v.Status == Dead && v.Reason == ReasonSuperseded && v.Returns <= 1, nil
}
