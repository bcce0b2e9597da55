package plain

import (
	"context"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// Append implements hub.Encoder.
func (e Encoder) Append(dst []byte, m *hub.Message) []byte {
	if e.Deflate {
		return wire.AppendDeflated(dst, m.Payload)
	}
	return wire.AppendText(dst, m.Payload)
}

// Server is what the sockets of one path, or of many, are served with.
type Server struct {
	// Context bounds what a command waits for.
	Context context.Context //nolint:containedctx // the life of the sockets, not of a call
	Hub     *hub.Hub
	// Options is looked up for every command.
	Options func() *Options
	// Publish publishes in Redis what the client of a socket sends, unless the socket was
	// closed meanwhile. Required where rules allow it.
	Publish func(ctx context.Context, by *hub.Socket, channel string, payload []byte) error
	// LeftOff yields where a login's socket on another node left a channel that can be
	// resumed. It may wait for these nodes. Default: there are none.
	LeftOff func(ctx context.Context, login token.Fingerprint, channel string, within time.Duration) (history.Position, bool)
	// Spawn runs a function in a goroutine. Default: go.
	Spawn func(func())
}

// Serve reads the commands of one socket until it ends, and then detaches it and
// calls done. s is conn's sink. It returns at once, but where the socket joins channels
// with a history: those may take a second.
func (v *Server) Serve(conn *wire.Conn, s *hub.Socket, u *channel.User, done func()) {
	l := &loop{server: v, socket: s, hub: v.Hub, user: u, done: done, encoder: Encoder{Deflate: conn.Compressed()}}
	l.join(v.Options())
	l.reading.Start(conn, l, v.Spawn)
}

// loop is what one socket's commands have led to so far.
type loop struct {
	reading wire.Loop
	server  *Server
	done    func()
	socket  *hub.Socket
	hub     *hub.Hub
	user    *channel.User
	held    []held
	rate    wire.Rate

	encoder Encoder
}

// held is one command that is in force, and the Redis channel that it led to.
// Several may lead to one channel.
type held struct {
	command, channel string
}

// Closed implements wire.Listener.
func (l *loop) Closed() bool { return l.socket.Closed() }

// Message implements wire.Listener.
func (l *loop) Message(op wire.Opcode, p []byte) {
	l.command(l.server.Context, l.server.Options(), op, p)
}

// End implements wire.Listener.
func (l *loop) End() {
	l.socket.Detach()
	if l.done != nil {
		l.done()
	}
}

var started = time.Now()

// command does what one message of the client asks for.
func (l *loop) command(ctx context.Context, o *Options, op wire.Opcode, p []byte) {
	channels, commands := o.limits()
	switch l.rate.Take(time.Since(started), commands, commands+channels) {
	case wire.RateLimited:
		l.refuse(o, "rate_limited", p)
		return
	case wire.RateExcessive:
		l.socket.Close(wire.ClosePolicy, "too many commands")
		return
	case wire.RateAllowed:
	}
	switch {
	case isPublish(p) && o.Rules.Publishes():
		if code, command := l.publish(ctx, o, p); code != "" {
			l.refuse(o, code, command)
		}
	case op != wire.OpText:
		l.refuse(o, "unknown_command", p)
	case o.Heartbeat != "" && string(p) == o.Heartbeat:
		if o.Reply != nil {
			l.socket.Send(o.Reply)
		}
	default:
		if code := l.ask(ctx, o, string(p)); code != "" {
			l.refuse(o, code, p)
		}
	}
}
