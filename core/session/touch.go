package session

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// touchBatch is how many logins go into one pipeline.
const touchBatch = 256

// Touch says what each login is, in order, and that it was seen. A login that
// Redis has forgotten is put back from what the caller and this node know of it,
// so that Unknown is one that was never admitted: a caller claims it. Where a
// Login has a Token it must be one that leads to its Identity. On an
// error the verdicts before it are not returned, but kept in the cache.
func (r *Registry) Touch(ctx context.Context, logins []Login) ([]Verdict, error) {
	out := make([]Verdict, 0, len(logins))
	for len(logins) > 0 {
		batch := logins[:min(len(logins), touchBatch)]
		logins = logins[len(batch):]
		vs, err := r.touchSome(ctx, batch)
		if err != nil {
			return nil, err
		}
		out = append(out, vs...)
	}
	return out, nil
}

func (r *Registry) touchSome(ctx context.Context, logins []Login) ([]Verdict, error) {
	hashes := make([]string, len(logins))
	calls := make([]call, len(logins))
	for i := range logins {
		l := &logins[i]
		var err error
		if hashes[i], err = r.hashOf(l); err != nil {
			return nil, fmt.Errorf("login %s: %w", l.Identity.Short(), err)
		}
		calls[i] = call{r.lua.touch, r.keys.account(hashes[i]), []any{l.Identity.String(), clip(l.Browser), r.rememberMS()}}
	}
	replies, err := r.exec(ctx, calls)
	if err != nil {
		return nil, err
	}
	out := make([]Verdict, len(logins))
	var lost []int
	for i := range logins {
		l := &logins[i]
		w, err := r.touched(l, &replies[i])
		if err != nil {
			return nil, err
		}
		if w == nil {
			out[i] = Verdict{Account: l.Account, Identity: l.Identity}
			lost = append(lost, i)
			continue
		}
		now := r.learn(hashes[i], w, l.Token)
		out[i] = now.verdict()
		if now.SID != w.SID || now.Status != w.Status {
			lost = append(lost, i) // Redis forgot an end, or a life, that this node knows
		}
	}
	if len(lost) == 0 {
		return out, nil
	}
	return out, r.restore(ctx, logins, hashes, lost, out)
}

// changed returns those of the logins that may be something else than what is
// remembered with them: not live, or with another entry. It writes nothing. At most
// touchBatch at a time, whose memory it uses for what it returns.
func (r *Registry) changed(ctx context.Context, batch []*Kept) ([]*Kept, error) {
	calls := make([]call, 0, len(batch))
	raws := make([]string, len(batch)) // "": not known
	for i, k := range batch {
		if w := k.live(); w != nil {
			raws[i] = w.raw
			calls = append(calls, call{args: []any{"HGET", r.keys.live(k.rec.account), w.Identity.String()}})
		}
	}
	if len(calls) == 0 {
		return batch, nil
	}
	cmds, err := r.batch.do(ctx, calls)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	rest := batch[:0]
	for i, k := range batch {
		if raws[i] != "" {
			raw, err := cmds[0].Text()
			if cmds = cmds[1:]; err == nil && raw == raws[i] {
				continue
			}
		}
		rest = append(rest, k)
	}
	return rest, nil
}

// hashOf is the hash of a login's account, from memory where the login is remembered.
func (r *Registry) hashOf(l *Login) (string, error) {
	if hash, ok := r.verdicts.hashOf(l.Identity, l.Account); ok {
		return hash, nil
	}
	return r.keys.hash(l.Account)
}

// touched is the view of a reply, without reading again what has not changed.
func (r *Registry) touched(l *Login, p *reply) (*view, error) {
	old := r.verdicts.remembered(l.Identity)
	if old == nil || old.Status != Live || p.status != "live" || old.raw != p.raw || old.Account != l.Account {
		w, err := p.view(l.Account, time.Now())
		if err == nil && w != nil && old != nil && w.SID == old.SID && w.Epoch == old.Epoch {
			w.SID, w.Epoch = old.SID, old.Epoch // which others have, too
		}
		return w, err
	}
	old.fresh.set(time.Now().Add(liveFor))
	return old, nil
}

// restore puts back those of the logins that are lost, each account's remembered
// tombstones first, and corrects their verdicts.
func (r *Registry) restore(ctx context.Context, logins []Login, hashes []string, lost []int, out []Verdict) error {
	var calls []call
	var about []int // the login that a call is about
	seen := make(map[string]bool)
	for _, i := range lost {
		l := &logins[i]
		w, err := r.worthRestoring(l)
		if err != nil {
			return err
		}
		if w == nil {
			continue
		}
		if !seen[hashes[i]] {
			seen[hashes[i]] = true
			for _, d := range r.verdicts.dead(hashes[i]) {
				if d.Identity != l.Identity {
					calls, about = append(calls, r.restoreCall(hashes[i], l.Account, d)), append(about, -1)
				}
			}
		}
		calls, about = append(calls, r.restoreCall(hashes[i], l.Account, w)), append(about, i)
		if !l.Token.IsZero() {
			calls, about = append(calls, r.setRoute(l)), append(about, -1)
		}
	}
	if len(calls) == 0 {
		return nil
	}
	replies, err := r.exec(ctx, calls)
	if err != nil {
		return err
	}
	for k, i := range about {
		r.hear(replies[k].event)
		if i < 0 {
			continue
		}
		w, err := replies[k].view(logins[i].Account, time.Now())
		if err != nil {
			return err
		}
		if w != nil {
			w = r.learn(hashes[i], w, logins[i].Token)
			out[i] = w.verdict()
		}
	}
	return nil
}

// worthRestoring is what this node or the caller knows of a login, or nil where
// that is no more than that somebody wants it.
func (r *Registry) worthRestoring(l *Login) (*view, error) {
	if w := r.verdicts.remembered(l.Identity); w != nil && (w.Status == Live || w.lasts(time.Now())) {
		return w, nil
	}
	if l.Seq == 0 || l.SID == "" {
		return nil, nil
	}
	if l.raw != "" {
		return liveView(l.Account, l.Identity, l.raw, time.Now())
	}
	e := entryOf(l)
	e.Expires = millis(l.Expires)
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return liveView(l.Account, l.Identity, string(raw), time.Now())
}

func (r *Registry) restoreCall(hash, account string, w *view) call {
	kind, life := "live", int64(0)
	if w.Status == Dead {
		kind, life = "dead", time.Until(w.death.ends).Milliseconds()
	}
	return call{r.lua.restore, r.keys.account(hash), []any{
		w.Identity.String(), kind, w.raw, strconv.FormatInt(life, 10),
		r.policy.limit, r.rememberMS(), random(), account, hash, r.keys.events, flag(r.policy.perDevice),
	}}
}
