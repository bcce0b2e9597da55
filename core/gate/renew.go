package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
	"github.com/wsgate/wsgate/core/wire/centrifuge"
)

// centrifugal is a client as the protocol centrifuge sees it. It may refresh its token
// where the site says how tokens are refreshed; what introspection needs of its request
// is kept for that.
func (g *Gate) centrifugal(cl *client, sh *shared, c caller, expires time.Time) centrifuge.Client {
	out := centrifuge.Client{User: &cl.user}
	if sh.refreshable {
		out.Expires = expires
		c = c.detached()
		out.Refresh = func(ctx context.Context, sock *hub.Socket, t token.Token) (centrifuge.Client, error) {
			return g.renew(ctx, sock, cl, c, t)
		}
	}
	return out
}

// errNotRenewed: the socket was closed.
var errNotRenewed = errors.New("gate: the fresh token's login is not live")

// renew lets a socket go on with a fresh token of the same account. That is the same
// login: who has its socket has refreshed its token. Errors: centrifuge.ErrExpired,
// channel.ErrForbidden for another account, errNotRenewed, and those of the rooms.
func (g *Gate) renew(ctx context.Context, sock *hub.Socket, cl *client, c caller, t token.Token) (centrifuge.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	ep, sh := cl.site.load(), g.shared.Load()
	s, old := ep.site, cl.login.Load().Login()
	fp := sh.fingerprint(t, c.browser)
	known, lookErr := s.known(ctx, sh, c, fp)
	if known.Status == session.Dead {
		return g.unrenewed(sock, ep.notices.farewell(&known, known.Reason == session.ReasonSuperseded))
	}
	q := introspect.Query{Token: t, Fingerprint: fp, Request: c.request, Known: !known.Identity.IsZero(), Claims: s.claims}
	id, err := s.identify(ctx, sh, q, c.ip)
	switch {
	case errors.Is(err, errInactive):
		return centrifuge.Client{}, centrifuge.ErrExpired
	case err != nil:
		return centrifuge.Client{}, err
	case id.Ended(time.Now()):
		return centrifuge.Client{}, centrifuge.ErrExpired
	case id.Subject != old.Account:
		return centrifuge.Client{}, fmt.Errorf("gate: a token of another account: %w", channel.ErrForbidden)
	}
	if !sh.login {
		known.Identity = old.Identity // there is no registry that would know it again
	}
	res, err := s.claim(ctx, sh, c, q, id, session.Claim{
		Login: session.Login{Identity: known.Identity}, Predecessor: old.Token,
		Unmet: lookErr == nil && known.Identity.IsZero(),
	})
	switch {
	case err != nil:
		return centrifuge.Client{}, err // it tries again
	case res.Outcome == session.OutcomeDenied:
		return g.unrenewed(sock, denialOf(&res).farewell())
	case !res.Live():
		v := res.Verdict()
		return g.unrenewed(sock, ep.notices.farewell(&v, v.Reason == session.ReasonSuperseded))
	case res.Login.Identity != sock.Meta().Login:
		// The index knows the socket by another name: let it come back.
		return g.unrenewed(sock, farewell{code: wire.CloseRestarting, reason: "reconnect"})
	}
	out := g.centrifugal(cl, sh, c, id.Expires)
	out.User = ep.user(t, id, cl.user.Login, cl.user.Request) // not in cl: others look at that
	// Before the login: who asks about that by its token must not ask by the old one.
	cl.fresh.Store(&out.User.Token)
	cl.login.Store(sh.registry.Keep(res.Login))
	sock.SetExpires(id.Expires)
	return out, nil
}

func (g *Gate) unrenewed(sock *hub.Socket, f farewell) (centrifuge.Client, error) {
	g.bid(sock, f)
	return centrifuge.Client{}, errNotRenewed
}
