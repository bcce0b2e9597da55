package gate

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// knock is a client that wants a socket: before its handshake, or behind it, where
// the token comes as a message. Behind it, it holds nothing of the request but copies. It is
// used by one goroutine at a time.
type knock struct {
	caller
	site *Site
	sh   *shared
	ep   *endpoint
	seat *seat
	// device is the cookie that goes with the 101, nil where the browser has one.
	device *http.Cookie
	// after is the browser's key once it has that.
	after string
}

// outcome is what a knock came to. Either client, refused or bye counts.
type outcome struct {
	// client is set where the socket is let in, and expires is when its token ends.
	client  *client
	login   session.Login
	expires time.Time
	// refused says that the handshake is to be refused; behind it, bye is as good.
	refused *refusal
	// bye is how to close a socket that is accepted only to be told.
	bye farewell
	// account is whose the token is, "" where that is not known.
	account string
}

// refusal is an answer of the gate's own to a request that it does not do.
type refusal struct {
	status        int
	code, message string
}

// admit walks a token through the rooms: what is known of it, whose it is, the claim,
// and the seats of its login.
func (k *knock) admit(ctx context.Context, t token.Token) outcome {
	s, sh := k.site, k.sh
	fp := sh.fingerprint(t, k.browser)
	known, lookErr := s.known(ctx, sh, k.caller, fp)
	if known.Status == session.Dead {
		return k.turnAway(ctx, fp, known)
	}
	q := introspect.Query{Token: t, Fingerprint: fp, Request: k.request, Known: !known.Identity.IsZero(), Claims: s.claims}
	id, err := k.identify(ctx, q, &known)
	switch {
	case errors.Is(err, errInactive):
		return outcome{bye: k.ep.notices.ended(sh.refreshable)}
	case err != nil:
		return unavailable()
	case id.Ended(time.Now()):
		// The socket would end at once, and a client that keeps its token come back at once.
		return outcome{bye: k.ep.notices.ended(sh.refreshable)}
	}
	// By the cookie of its 101, too: a page whose first request is the socket's
	// would else be a stranger to its own next login.
	c := k.caller
	c.browser = k.after
	res, err := s.claim(ctx, sh, c, q, id, session.Claim{
		Login: session.Login{Identity: known.Identity}, Unmet: lookErr == nil && known.Identity.IsZero(),
	})
	switch {
	case err != nil && (sh.failClosed || gone(err)):
		return unavailable()
	case err != nil:
		// fail open: accepted unclaimed; the reconciler claims once it can.
	case res.Outcome == session.OutcomeDenied:
		return k.deny(fp, denialOf(&res))
	case !res.Live():
		return k.turnAway(ctx, fp, res.Verdict())
	}
	if !k.seat.takeLogin(res.Login.Identity, s.limits.ConnectionsPerLogin) {
		return full(errLoginFull)
	}
	return outcome{client: k.client(t, id, res.Login), login: res.Login, expires: id.Expires, account: id.Subject}
}

// identify asks whose the token is. A login that is idle, but not for long enough to
// have ended for it, is not asked about: that would renew it with each reconnect of a
// page that nobody looks at.
func (k *knock) identify(ctx context.Context, q introspect.Query, known *session.Verdict) (*introspect.Identity, error) {
	if k.sh.sliding != nil && known.Status == session.Live {
		_, fresh := k.sh.asker.Cached(q)
		if a, kept := k.sh.asker.Kept(q); !fresh && kept && k.sh.sliding.dormant(ctx, known.Account, known.Identity) {
			return a.Identity, nil
		}
	}
	return k.site.identify(ctx, k.sh, q, k.ip)
}

func (k *knock) client(t token.Token, id *introspect.Identity, login session.Login) *client {
	vars := expr.RequestVars{Method: http.MethodGet, Path: pathOf(k.request, k.ep), IP: k.ip}
	if k.ep.headers {
		vars.Headers = k.request.Header.Clone() // a KiB or two, where a rule looks at them
	}
	cl := &client{
		site: k.site.gate.live(k.ep),
		user: *k.ep.user(t, id, login.Identity, vars),
	}
	if k.sh.sliding != nil {
		cl.origin = k.sh.asker.Origin(k.request)
	}
	cl.login.Store(k.sh.registry.Keep(login))
	return cl
}

// user is what rules see of a login. It has no more of the identity than they look at.
func (ep *endpoint) user(t token.Token, id *introspect.Identity, login session.Identity, request expr.RequestVars) *channel.User {
	claims := id.Claims
	if !ep.claims {
		claims = nil // another handler's; a decoded body takes several KiB
	}
	if ep.token {
		t = t.Clone()
	} else {
		t = token.Token{} // a hundred bytes, and a secret
	}
	return &channel.User{
		Subject: id.Subject, Aliases: id.Aliases, Claims: claims, Device: id.Device,
		Login: login, Token: t, Request: request,
	}
}

// turnAway has a socket of a dead login accepted, told why, and closed: a refused
// handshake would hide the reason, for browsers only see 1006.
func (k *knock) turnAway(ctx context.Context, fp token.Fingerprint, v session.Verdict) outcome {
	if !k.site.gate.returns.allow(fp) {
		return tooOften(v.Account, "this login has ended; stop reconnecting")
	}
	silent := false
	if v.Reason == session.ReasonSuperseded {
		silent = k.returned(ctx, v)
	}
	return outcome{bye: k.ep.notices.farewell(&v, silent), account: v.Account}
}

// returned counts the return of a superseded login: the first is its page's
// own reconnect and stays silent, a second is told.
func (k *knock) returned(ctx context.Context, v session.Verdict) bool {
	silent, err := k.sh.registry.Returned(ctx, v)
	if err != nil {
		k.site.gate.trouble("return of a superseded login could not be counted", err)
		return true // a text in error would log a new login out; silence costs one reconnect
	}
	return silent
}

// deny has a socket of a denied login accepted, told and closed, as often as one of a
// dead login.
func (k *knock) deny(fp token.Fingerprint, d *denial) outcome {
	if !k.site.gate.returns.allow(fp) {
		return tooOften(d.account, "this account is in use; stop reconnecting")
	}
	return outcome{bye: d.farewell(), account: d.account}
}

// settle is what is left to do once a socket is in the index of its login.
func (k *knock) settle(sock *hub.Socket, login *session.Login) {
	g, sh := k.site.gate, k.sh
	g.metrics.opened.Add(1)
	if g.shared.Load().key != sh.key {
		// A reload changed what logins are called, after it had asked the
		// sockets that it saw to come back.
		g.bid(sock, farewell{code: wire.CloseRestarting, reason: "reconnect"})
	}
	if !sh.login {
		return
	}
	if v, ok := sh.registry.Verdicts().Identity(login.Identity); ok && v.Status == session.Dead {
		g.dismiss(sock, v)
	}
	if login.Seq == 0 {
		sh.reconciler.Kick()
	}
}

func unavailable() outcome {
	return outcome{
		refused: &refusal{http.StatusServiceUnavailable, "unavailable", "the login can't be verified now"},
		bye:     farewell{code: wire.CloseTryLater, reason: "login can't be verified now"},
	}
}

// full says that there is no seat.
func full(err error) outcome {
	status := http.StatusTooManyRequests
	if errors.Is(err, errGateFull) {
		status = http.StatusServiceUnavailable
	}
	return outcome{
		refused: &refusal{status, "too_many_connections", err.Error()},
		bye:     farewell{code: wire.CloseTryLater, reason: err.Error()},
	}
}

func tooOften(account, message string) outcome {
	return outcome{
		refused: &refusal{http.StatusForbidden, "too_many_returns", message},
		bye:     farewell{code: wire.ClosePolicy, reason: message},
		account: account,
	}
}

// known asks the local cache and Redis, so that a dead token costs the backend
// nothing. After an error the claim will meet the same trouble, and decide.
func (s *Site) known(ctx context.Context, sh *shared, c caller, fp token.Fingerprint) (session.Verdict, error) {
	if !sh.login {
		return session.Verdict{}, nil
	}
	if v, ok := sh.registry.Verdicts().Get(fp); ok {
		return v, nil
	}
	return s.lookup(ctx, sh, c, fp)
}
