package gate

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// client is what the gate keeps of one socket.
type client struct {
	site *liveEndpoint
	user channel.User
	// login is what this node knows of the login, to restore it where Redis
	// forgot it. Its Seq is 0 while it is unclaimed: accepted while Redis was
	// down.
	login atomic.Pointer[session.Kept]
	// fresh is the token that the client has replaced user's with; nil for none.
	fresh atomic.Pointer[token.Token]
	// shared says that the server waits for its end when it stops.
	shared bool
	// origin is what asking about the token once more needs of the client's request;
	// nil for nothing.
	origin *http.Request
}

// token is the one that the client has now; zero where it is not kept.
func (c *client) token() token.Token {
	if t := c.fresh.Load(); t != nil {
		return *t
	}
	return c.user.Token
}

// connect turns an upgrade request into a socket of the login that its token
// belongs to, or refuses it. It returns once the socket has a goroutine of its
// own: a handler that blocked for the life of a socket would hold 19 KiB more.
func (s *Site) connect(w http.ResponseWriter, r *http.Request, ep *endpoint, inPath string) {
	deepen()
	if !s.origins.ok(r) {
		s.fail(w, r, http.StatusForbidden, "forbidden_origin", "this origin may not open sockets here")
		return
	}
	ep, _ = ep.asked(r)
	if err := wire.Check(r); err != nil {
		s.refuseHandshake(w, r, err)
		return
	}
	found, ticket, no := s.presents(r, inPath)
	if no != nil {
		s.refuse(w, r, no)
		return
	}
	if found.Source.Kind == token.Cookie && r.Header.Get("Origin") == "" {
		// Only a browser sends cookies unasked, and a browser sends an Origin.
		s.fail(w, r, http.StatusForbidden, "forbidden_origin", "a token in a cookie needs an Origin header")
		return
	}
	none := found.Token.IsZero() && ticket == ""
	if none && !s.finder.FirstMessage() && ep.protocol != ProtocolCentrifuge {
		s.fail(w, r, http.StatusUnauthorized, "missing_token", "send a token")
		return
	}
	s.finder.StripQuery(r, true)
	token.StripPath(r, inPath)
	seat, err := s.gate.seats.take(s.limits.Connections, s.limits.ConnectionsPerIP, s.opts.ClientIP(r))
	if err != nil {
		s.refuseSeat(w, r, err)
		return
	}
	defer seat.release() // a no-op once a socket has taken the seat over
	sh := s.gate.shared.Load()
	c := s.caller(sh, r)
	k := &knock{caller: c, site: s, sh: sh, ep: ep, seat: seat, after: c.browser}
	if sh.login && c.browser == "" {
		k.device, k.after = mint(sh, r, c.ip)
	}
	if none {
		k.caller = c.detached()
		s.wait(w, r, k)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), resolveTimeout)
	defer cancel()
	if ticket != "" {
		if no := s.redeem(ctx, sh, ticket, &found); no != nil {
			s.refuse(w, r, no)
			return
		}
	}
	out := k.admit(ctx, found.Token)
	s.setUser(r, out.account)
	switch {
	case out.refused != nil:
		s.refuse(w, r, out.refused)
	case out.client == nil:
		s.tell(w, r, k, out.bye)
	default:
		s.open(w, r, k, found.Token, out)
	}
}

// presents yields the token and the ticket of a request for a socket or a stream; it may
// have neither. inPath is what stands in its path as a token. no says why it is refused.
func (s *Site) presents(r *http.Request, inPath string) (found token.Found, ticket string, no *refusal) {
	found, err := s.finder.Socket(r)
	if inPath != "" {
		found, err = token.FromPath(inPath, found, err)
	}
	ticket, ticketErr := s.finder.Ticket(r)
	for _, err := range []error{err, ticketErr} {
		if err != nil && !errors.Is(err, token.ErrNone) {
			return found, "", &refusal{http.StatusBadRequest, "bad_token", "the token is malformed, or there are two"}
		}
	}
	return found, ticket, nil
}

func (s *Site) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	s.fail(w, r, no.status, no.code, no.message)
}

// defaultMaxTold bounds the sockets of a node that are accepted only to be told: one
// whose client doesn't agree to the close stays for a second.
const defaultMaxTold = 1024

// tell accepts a socket only to close it with a reason.
func (s *Site) tell(w http.ResponseWriter, r *http.Request, k *knock, f farewell) {
	place, err := s.gate.told.take(s.gate.maxTold, 0, k.ip)
	if err != nil {
		s.refuseSeat(w, r, err)
		return
	}
	defer place.release()
	conn, err := s.upgrade(w, r, k.ep, k.device)
	if err != nil {
		s.refuseHandshake(w, r, err)
		return
	}
	sock := s.gate.hub.Attach(conn.NetConn(), hub.Meta{Ping: k.ep.ping, IP: k.ip, Reader: conn, Framing: k.ep.framing})
	k.seat.handOver()
	conn.SetSink(sock)
	s.gate.bid(sock, f)
	place.handOver()
	l := &leaving{sock: sock, done: func() { place.give(); k.seat.give() }}
	l.reading.Start(conn, l, s.gate.spawn)
}

// leaving is a socket that is closed already: it only waits for the client to agree.
type leaving struct {
	sock    *hub.Socket
	done    func()
	reading wire.Loop
}

// Closed implements wire.Listener.
func (*leaving) Closed() bool { return true }

// Message implements wire.Listener.
func (*leaving) Message(wire.Opcode, []byte) {}

// End implements wire.Listener.
func (l *leaving) End() {
	l.sock.Detach()
	l.done()
}

// open makes the socket and starts its loop.
func (s *Site) open(w http.ResponseWriter, r *http.Request, k *knock, t token.Token, out outcome) {
	conn, err := s.upgrade(w, r, k.ep, k.device)
	if err != nil {
		s.refuseHandshake(w, r, err)
		return
	}
	login := &out.login
	// Into the local index first, then check: a displacement between the claim
	// and this line found no socket to close, but left its verdict here.
	sock := s.gate.hub.Attach(conn.NetConn(), hub.Meta{
		Login: login.Identity, Account: login.Account, IP: k.ip,
		Ping: k.ep.ping, Expires: out.expires, Queue: s.limits.Queue, User: out.client, Reader: conn, Framing: k.ep.framing,
	})
	k.seat.handOver()
	conn.SetSink(sock)
	k.settle(sock, login)
	live := out.client.site
	if live.centrifuge != nil {
		c := s.gate.centrifugal(out.client, k.sh, k.caller, out.expires)
		t = t.Clone() // kept until the connect command
		c.Is = func(other token.Token) bool { return other == t }
		live.centrifuge.Serve(conn, sock, c, k.seat.give)
		return
	}
	live.plain.Serve(conn, sock, &out.client.user, k.seat.give)
}

// pathOf is the path that rules see. Nearly always it is the endpoint's own, and then
// need not be kept for each socket.
func pathOf(r *http.Request, ep *endpoint) string {
	if r.URL.Path == ep.path {
		return ep.path
	}
	return strings.Clone(r.URL.Path)
}

func (s *Site) upgrade(w http.ResponseWriter, r *http.Request, ep *endpoint, device *http.Cookie) (*wire.Conn, error) {
	var h http.Header
	if device != nil {
		h = http.Header{"Set-Cookie": {device.String()}}
	}
	_, subprotocol := ep.asked(r)
	return wire.Upgrade(w, r, wire.UpgradeOptions{
		Subprotocol: cmp.Or(subprotocol, s.finder.SubprotocolReply(r)),
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
	s.refuse(w, r, full(err).refused)
}
