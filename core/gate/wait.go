package gate

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
	"github.com/wsgate/wsgate/core/wire/centrifuge"
)

// waitingRoom holds the sockets that were accepted without a token, within bounds: they
// cost memory on nobody's account.
type waitingRoom struct {
	seats *seats
	// wait is how long one has to send its token.
	wait time.Duration
	// total is how many of a node may wait, and perIP how many of one address.
	total, perIP int
}

func newWaitingRoom() waitingRoom {
	return waitingRoom{seats: newSeats(), wait: 10 * time.Second, total: 4096, perIP: 256}
}

// maxBeats is how many heartbeats a socket may send before its token.
const maxBeats = 16

// waiting is a socket that was accepted without a token.
type waiting struct {
	*knock
	gate    *Gate
	conn    *wire.Conn
	sock    *hub.Socket
	reading wire.Loop
	timer   *time.Timer
	place   *seat // among those that wait
	beats   int
}

// wait accepts a socket whose token is to be its first message.
func (s *Site) wait(w http.ResponseWriter, r *http.Request, k *knock) {
	room := &s.gate.waiting
	place, err := room.seats.take(room.total, room.perIP, k.ip)
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
	l := &waiting{knock: k, gate: s.gate, conn: conn, place: place}
	l.sock = s.gate.hub.Attach(conn.NetConn(), hub.Meta{Ping: k.ep.ping, IP: k.ip, Queue: s.limits.Queue, Reader: conn, Framing: k.ep.framing})
	k.seat.handOver()
	place.handOver()
	conn.SetSink(l.sock)
	l.timer = time.AfterFunc(room.wait, l.late)
	if k.ep.protocol == ProtocolCentrifuge {
		s.gate.live(k.ep).centrifuge.Serve(conn, l.sock, centrifuge.Client{Admit: l.connect}, l.end)
		return
	}
	l.reading.Start(conn, l, s.gate.spawn)
}

// late ends the wait.
func (l *waiting) late() {
	if !l.sock.Closed() {
		l.gate.bid(l.sock, farewell{code: wire.ClosePolicy, reason: "no token in time"})
	}
}

// Closed implements wire.Listener.
func (l *waiting) Closed() bool { return l.sock.Closed() }

// Message implements wire.Listener. It takes one message, which should be the token.
func (l *waiting) Message(op wire.Opcode, p []byte) {
	o := l.ep.plain
	if op == wire.OpText && o.Heartbeat != "" && string(p) == o.Heartbeat && l.beats < maxBeats {
		l.beats++
		if o.Reply != nil {
			l.sock.Send(o.Reply)
		}
		return
	}
	l.timer.Stop()
	t, err := token.FromMessage(p)
	switch {
	case op != wire.OpText, errors.Is(err, token.ErrMalformed):
		l.site.gate.bid(l.sock, farewell{code: wire.ClosePolicy, reason: "the first message must be a token"})
		return
	case err != nil:
		l.site.gate.bid(l.sock, farewell{code: wire.CloseInactive, reason: "no token"})
		return
	}
	cl, _, bye := l.admitLater(l.site.gate.ctx, l.sock, t)
	if cl == nil {
		l.site.gate.bid(l.sock, bye)
		return
	}
	l.place.give()
	cl.site.plain.Serve(l.conn, l.sock, &cl.user, l.seat.give)
	l.reading.Leave()
}

// connect is centrifuge's: the client has sent its connect command.
func (l *waiting) connect(ctx context.Context, t token.Token, refused func(wire.CloseCode)) (centrifuge.Client, bool) {
	l.timer.Stop()
	bye := farewell{code: wire.CloseInactive, reason: "no token"}
	if t != (token.Token{}) {
		var cl *client
		var expires time.Time
		if cl, expires, bye = l.admitLater(ctx, l.sock, t); cl != nil {
			l.place.give()
			c := l.gate.centrifugal(cl, l.sh, l.caller, expires)
			l.knock = &knock{seat: l.seat} // the rest has served
			return c, true
		}
	}
	refused(bye.code)
	l.site.gate.bid(l.sock, bye)
	return centrifuge.Client{}, false
}

// End implements wire.Listener.
func (l *waiting) End() {
	l.sock.Detach()
	l.end()
}

func (l *waiting) end() {
	l.timer.Stop()
	l.place.give()
	l.seat.give()
}

// admitLater admits a socket that is open already by the token that it has sent, or
// yields how to close it. The socket is the client's from then on. expires is when the
// token ends.
func (k *knock) admitLater(ctx context.Context, sock *hub.Socket, t token.Token) (cl *client, expires time.Time, bye farewell) {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	sh := k.site.gate.shared.Load()
	if sh.key != k.sh.key {
		// A reload changed what logins and browsers are called.
		return nil, expires, farewell{code: wire.CloseRestarting, reason: "reconnect"}
	}
	k.sh = sh
	out := k.admit(ctx, t)
	if out.client == nil {
		return nil, expires, out.bye
	}
	login := &out.login
	// Into the local index first, then check, as in open.
	sock.Admit(login.Identity, login.Account, out.expires, out.client)
	k.settle(sock, login)
	return out.client, out.expires, bye
}
