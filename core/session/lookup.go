package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/token"
)

// Lookup says what is known of a token, and that it was seen: in one round trip
// where this node knows whose it is, else in two. browser is filled in where the
// registry has none. An Unknown verdict with an Identity is for the caller to
// claim under that Identity. While Redis is down a login that is known to be dead
// stays dead, without an error.
func (r *Registry) Lookup(ctx context.Context, fp token.Fingerprint, browser string) (Verdict, error) {
	l, found, err := r.login(ctx, fp)
	if err != nil {
		return r.deadAnyway(fp, err)
	}
	if !found {
		return Verdict{}, nil
	}
	l.Browser = browser
	vs, err := r.Touch(ctx, []Login{l})
	if err != nil {
		return r.deadAnyway(fp, err)
	}
	return vs[0], nil
}

func (r *Registry) deadAnyway(fp token.Fingerprint, err error) (Verdict, error) {
	if l, ok, _ := r.verdicts.route(fp); ok {
		if w := r.verdicts.remembered(l.Identity); w != nil && w.lasts(time.Now()) {
			return w.verdict(), nil
		}
	}
	return Verdict{}, err
}

// login says which login a token leads to.
func (r *Registry) login(ctx context.Context, fp token.Fingerprint) (l Login, found bool, err error) {
	l, found, due := r.verdicts.route(fp)
	if found && !due {
		return l, true, nil
	}
	key := r.keys.token(fp)
	// MGET, since go-redis takes long over the error that is the nil of GET.
	cmds, err := r.batch.do(ctx, []call{{args: []any{"MGET", key}}, {args: []any{"PTTL", key}}})
	if err != nil {
		return Login{}, false, fmt.Errorf("session: %w", err)
	}
	raw, err := only(cmds[0])
	if err != nil {
		return Login{}, false, err
	}
	ttl, err := cmds[1].Int64()
	if err != nil {
		return Login{}, false, fmt.Errorf("session: %w", err)
	}
	var renew call
	switch {
	case raw == "" && !found:
		return Login{}, false, nil
	case raw == "":
		renew = r.setRoute(&l) // Redis forgot what this node knows
	default:
		if l, err = parseRoute(raw); err != nil {
			return Login{}, false, err
		}
		l.Token = fp
		if ttl < (max(r.remember, minLife) / 2).Milliseconds() {
			renew = call{args: []any{"PEXPIRE", key, r.routeTTL(&l)}}
		}
	}
	if renew.args != nil {
		if _, err := r.exec(ctx, []call{renew}); err != nil {
			return Login{}, false, err
		}
	}
	r.verdicts.renewed(fp)
	return l, true, nil
}

// only is the one value of an MGET, "" where there is none.
func only(c *redis.Cmd) (string, error) {
	vs, err := c.Slice()
	if err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	if len(vs) != 1 {
		return "", errReply
	}
	v, _ := vs[0].(string)
	return v, nil
}

func parseRoute(raw string) (Login, error) {
	if len(raw) <= identityLen {
		return Login{}, errors.New("session: token's key in Redis is damaged")
	}
	id, err := token.ParseFingerprint(raw[:identityLen])
	if err != nil {
		return Login{}, fmt.Errorf("session: token's key in Redis: %w", err)
	}
	return Login{Identity: id, Account: raw[identityLen:]}, nil
}
