package gate

import (
	"iter"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// bid closes a socket with a farewell.
func (g *Gate) bid(sock *hub.Socket, f farewell) {
	g.metrics.closed(f.code)
	end := sock.Close
	if f.code.Reconnect() {
		end = sock.SendAway
	}
	if f.notice == nil {
		end(f.code, f.reason)
		return
	}
	end(f.code, f.reason, f.notice)
}

// dismiss closes one socket of a dead login with the reason, unless the socket
// belongs to another life of that login than the one that ended.
func (g *Gate) dismiss(sock *hub.Socket, v session.Verdict) {
	cl, ok := sock.Meta().User.(*client)
	if !ok || sock.Closed() {
		return
	}
	if sid := cl.login.Load().SID(); sid != "" && v.SID != "" && sid != v.SID {
		// This node may have missed the birth of the life that ended.
		if r := g.shared.Load().reconciler; r != nil {
			r.Kick()
		}
		return
	}
	g.bid(sock, cl.site.load().notices.farewell(&v, v.Reason == session.ReasonSuperseded))
}

// expired is the hub's: a socket's token reached its end.
func (g *Gate) expired(sock *hub.Socket) {
	if cl, ok := sock.Meta().User.(*client); ok {
		l := cl.login.Load().Login()
		g.bid(sock, cl.site.load().notices.ended(g.shared.Load().refreshable))
		if g.hub.PerLogin(sock.Meta().Login) == 0 { // its last one
			g.emit(Event{Kind: EventExpiry, Account: l.Account, SID: l.SID, IP: sock.Meta().IP, Device: cl.user.Device})
		}
	}
}

// onEvent is the registry's: logins ended, on this node or another.
func (g *Gate) onEvent(e session.Event) {
	if sh := g.shared.Load(); sh != nil {
		sh.denials.free(e.Account)
	}
	for _, v := range e.Ended {
		g.hub.CloseLogin(v.Identity, func(s *hub.Socket) { g.dismiss(s, v) })
	}
}

// locals are this node's sockets as the registry's reconciler sees them.
type locals struct {
	gate *Gate
}

var _ session.Local = locals{}

// Logins implements session.Local.
func (l locals) Logins() iter.Seq[*session.Kept] {
	return func(yield func(*session.Kept) bool) {
		for _, m := range l.gate.hub.Logins() {
			if cl, ok := m.User.(*client); ok && !yield(cl.login.Load()) {
				return
			}
		}
	}
}

// Admitted implements session.Local.
func (l locals) Admitted(old token.Fingerprint, login session.Login) {
	l.gate.hub.CloseLogin(old, func(s *hub.Socket) {
		cl, ok := s.Meta().User.(*client)
		switch {
		case !ok:
		case login.Identity != old:
			// The index knows the socket by another name: let it come back.
			l.gate.bid(s, farewell{code: wire.CloseRestarting, reason: "reconnect"})
		default:
			cl.login.Store(l.gate.shared.Load().registry.Keep(login))
		}
	})
}

// Ended implements session.Local.
func (l locals) Ended(id token.Fingerprint, v session.Verdict) {
	v.SID = "" // whatever life its sockets are of
	l.gate.hub.CloseLogin(id, func(s *hub.Socket) { l.gate.dismiss(s, v) })
}
