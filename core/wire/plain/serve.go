package plain

import (
	"context"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/wire"
)

// Append implements hub.Encoder.
func (e Encoder) Append(dst, payload []byte) []byte {
	if e.Deflate {
		return wire.AppendDeflated(dst, payload)
	}
	return wire.AppendText(dst, payload)
}

// Serve reads the commands of one socket until it ends, and then detaches it. s is
// conn's sink. What options returns is looked up for every command. ctx bounds
// what a command waits for.
func Serve(ctx context.Context, conn *wire.Conn, s *hub.Socket, h *hub.Hub, options func() *Options, u *channel.User) {
	l := loop{socket: s, hub: h, user: u, encoder: Encoder{Deflate: conn.Compressed()}}
	defer s.Detach()
	for {
		op, p, err := conn.ReadMessage()
		if err != nil {
			if _, ok := wire.ClientClose(err); !ok {
				conn.Linger()
			}
			return
		}
		if s.Closed() {
			continue // until the client's own close frame
		}
		l.command(ctx, options(), op, p)
	}
}

// loop is what one socket's commands have led to so far.
type loop struct {
	socket *hub.Socket
	hub    *hub.Hub
	user   *channel.User
	held   []held
	rate   rate

	encoder Encoder
}

// held is one command that is in force, and the Redis channel that it led to.
// Several may lead to one channel.
type held struct {
	command, channel string
}

var started = time.Now()

// command does what one message of the client asks for.
func (l *loop) command(ctx context.Context, o *Options, op wire.Opcode, p []byte) {
	channels, commands := o.limits()
	switch l.rate.take(time.Since(started), commands, commands+channels) {
	case limited:
		l.refuse(o, "rate_limited", p)
		return
	case excessive:
		l.socket.Close(wire.ClosePolicy, "too many commands")
		return
	case allowed:
	}
	switch {
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
