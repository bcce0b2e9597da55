package gate

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
	"github.com/wsgate/wsgate/core/wire/plain"
)

// client is what the gate keeps of one socket.
type client struct {
	site *liveEndpoint
	user channel.User
	// login is what this node knows of the login, to restore it where Redis
	// forgot it. Its Seq is 0 while it is unclaimed: accepted while Redis was
	// down.
	login atomic.Pointer[session.Login]
}

// connect turns an upgrade request into a socket of the login that its token
// belongs to, or refuses it. It returns once the socket has a goroutine of its
// own: a handler that blocked for the life of a socket would hold 19 KiB more.
func (s *Site) connect(w http.ResponseWriter, r *http.Request, ep *endpoint) {
	if !s.origins.ok(r) {
		s.fail(w, r, http.StatusForbidden, "forbidden_origin", "this origin may not open sockets here")
		return
	}
	if err := wire.Check(r); err != nil {
		s.refuseHandshake(w, r, err)
		return
	}
	found, err := s.finder.Socket(r)
	if err == nil && found.Source.Kind == token.Cookie && r.Header.Get("Origin") == "" {
		// Only a browser sends cookies unasked, and a browser sends an Origin.
		s.fail(w, r, http.StatusForbidden, "forbidden_origin", "a token in a cookie needs an Origin header")
		return
	}
	switch {
	case errors.Is(err, token.ErrNone):
		s.fail(w, r, http.StatusUnauthorized, "missing_token", "send a token")
		return
	case err != nil:
		s.fail(w, r, http.StatusBadRequest, "bad_token", "the token is malformed, or there are two")
		return
	}
	s.finder.StripQuery(r, true)
	sh := s.gate.shared.Load()
	seat, err := s.gate.seats.take(s.limits.Connections, s.limits.ConnectionsPerIP, s.opts.ClientIP(r))
	if err != nil {
		s.refuseSeat(w, r, err)
		return
	}
	defer seat.release() // a no-op once a socket has taken the seat over
	s.admitSocket(w, r, sh, ep, found, seat)
}

func (s *Site) admitSocket(w http.ResponseWriter, r *http.Request, sh *shared, ep *endpoint, found token.Found, seat *seat) {
	fp := sh.key.Fingerprint(found.Token)
	c := s.caller(sh, r)
	var device *http.Cookie
	browser := c.browser
	if sh.login && browser == "" {
		device, browser = mint(sh, r, c.ip)
	}
	ctx, cancel := context.WithTimeout(r.Context(), resolveTimeout)
	defer cancel()

	known, lookErr := s.known(ctx, sh, c, fp)
	if known.Status == session.Dead {
		s.turnAway(w, r, sh, ep, fp, known, device, seat)
		return
	}
	q := introspect.Query{Token: found.Token, Fingerprint: fp, Request: c.request, Known: !known.Identity.IsZero(), Claims: s.claims}
	id, err := s.identify(ctx, sh, q, c.ip)
	switch {
	case errors.Is(err, errInactive):
		s.tell(w, r, ep, ep.notices.ended(sh.refreshable), device, seat)
		return
	case err != nil:
		s.fail(w, r, http.StatusServiceUnavailable, "unavailable", "the login can't be verified now")
		return
	}
	// By the cookie of its 101, too: a page whose first request is the socket's
	// would else be a stranger to its own next login.
	c.browser = browser
	res, err := s.claim(ctx, sh, c, q, id, session.Claim{
		Login: session.Login{Identity: known.Identity}, Unmet: lookErr == nil && known.Identity.IsZero(),
	})
	switch {
	case err != nil && sh.failClosed:
		s.fail(w, r, http.StatusServiceUnavailable, "unavailable", "the login can't be verified now")
		return
	case err != nil:
		// fail open: accepted unclaimed; the reconciler claims once it can.
	case res.Outcome == session.OutcomeDenied:
		s.denySocket(w, r, ep, fp, denialOf(&res), device, seat)
		return
	case !res.Live():
		s.turnAway(w, r, sh, ep, fp, res.Verdict(), device, seat)
		return
	}
	if !seat.takeLogin(res.Login.Identity, s.limits.ConnectionsPerLogin) {
		s.refuseSeat(w, r, errLoginFull)
		return
	}
	s.open(w, r, sh, ep, found, id, res.Login, device, seat)
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

// turnAway accepts a socket of a dead login, tells it why, and closes it: a
// refused handshake would hide the reason, for browsers only see 1006.
func (s *Site) turnAway(w http.ResponseWriter, r *http.Request, sh *shared, ep *endpoint, fp token.Fingerprint, v session.Verdict, device *http.Cookie, seat *seat) {
	s.setUser(r, v.Account)
	if !s.gate.returns.allow(fp) {
		s.fail(w, r, http.StatusForbidden, "too_many_returns", "this login has ended; stop reconnecting")
		return
	}
	silent := false
	if v.Reason == session.ReasonSuperseded {
		silent = s.returned(r.Context(), sh, v)
	}
	s.tell(w, r, ep, ep.notices.farewell(&v, silent), device, seat)
}

// returned counts the return of a superseded login: the first is its page's
// own reconnect and stays silent, a second is told.
func (s *Site) returned(ctx context.Context, sh *shared, v session.Verdict) bool {
	silent, err := sh.registry.Returned(ctx, v)
	if err != nil {
		s.gate.trouble("return of a superseded login could not be counted", err)
		return true // a text in error would log a new login out; silence costs one reconnect
	}
	return silent
}

// tell accepts a socket only to close it with a reason.
func (s *Site) tell(w http.ResponseWriter, r *http.Request, ep *endpoint, f farewell, device *http.Cookie, seat *seat) {
	conn, err := s.upgrade(w, r, ep, device)
	if err != nil {
		s.refuseHandshake(w, r, err)
		return
	}
	sock := s.gate.hub.Attach(conn.NetConn(), hub.Meta{Ping: ep.ping, IP: seat.ip, Reader: conn})
	seat.handOver()
	conn.SetSink(sock)
	s.gate.bid(sock, f)
	// Closed already: this only waits for the client to agree.
	v := s.gate.server(func() *plain.Options { return ep.options })
	v.Serve(conn, sock, &channel.User{}, seat.give)
}

// open makes the socket and starts its loop.
func (s *Site) open(w http.ResponseWriter, r *http.Request, sh *shared, ep *endpoint, found token.Found, id *introspect.Identity, login session.Login, device *http.Cookie, seat *seat) {
	live := s.gate.live(ep)
	claims := id.Claims
	if !ep.claims {
		claims = nil // another handler's; a decoded body takes several KiB
	}
	cl := &client{
		site: live,
		user: channel.User{
			Subject: id.Subject, Aliases: id.Aliases, Claims: claims, Device: id.Device,
			Login: login.Identity, Token: found.Token,
			Request: expr.RequestVars{Method: r.Method, Path: r.URL.Path, IP: seat.ip},
		},
	}
	cl.login.Store(&login)
	s.setUser(r, id.Subject)
	conn, err := s.upgrade(w, r, ep, device)
	if err != nil {
		s.refuseHandshake(w, r, err)
		return
	}
	// Into the local index first, then check: a displacement between the claim
	// and this line found no socket to close, but left its verdict here.
	sock := s.gate.hub.Attach(conn.NetConn(), hub.Meta{
		Login: login.Identity, Account: login.Account, IP: seat.ip,
		Ping: ep.ping, Expires: id.Expires, Queue: s.limits.Queue, User: cl, Reader: conn,
	})
	seat.handOver()
	conn.SetSink(sock)
	s.gate.metrics.opened.Add(1)
	if s.gate.shared.Load().key != sh.key {
		// A reload changed what logins are called, after it had asked the
		// sockets that it saw to come back.
		s.gate.bid(sock, farewell{code: wire.CloseRestarting, reason: "reconnect"})
	}
	if sh.login {
		if v, ok := sh.registry.Verdicts().Identity(login.Identity); ok && v.Status == session.Dead {
			s.gate.dismiss(sock, v)
		}
		if login.Seq == 0 {
			sh.reconciler.Kick()
		}
	}
	live.server.Serve(conn, sock, &cl.user, seat.give)
}

func (s *Site) upgrade(w http.ResponseWriter, r *http.Request, ep *endpoint, device *http.Cookie) (*wire.Conn, error) {
	var h http.Header
	if device != nil {
		h = http.Header{"Set-Cookie": {device.String()}}
	}
	return wire.Upgrade(w, r, wire.UpgradeOptions{
		Subprotocol: s.finder.SubprotocolReply(r),
		Header:      h,
		MessageSize: s.limits.MessageSize,
		Compression: ep.compression,
		Poller:      s.gate.poller,
		Checked:     true, // by connect
	})
}

func (s *Site) refuseHandshake(w http.ResponseWriter, r *http.Request, err error) {
	var he *wire.HandshakeError
	if !errors.As(err, &he) {
		s.gate.logger().Debug("socket lost in its handshake", "error", err)
		return // hijacked already: there is no answer to write
	}
	maps.Copy(w.Header(), he.Header)
	s.fail(w, r, he.Status, "bad_handshake", he.Message)
}

func (s *Site) refuseSeat(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusTooManyRequests
	if errors.Is(err, errGateFull) {
		status = http.StatusServiceUnavailable
	}
	s.fail(w, r, status, "too_many_connections", err.Error())
}
