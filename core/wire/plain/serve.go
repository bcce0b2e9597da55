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

// Server is what the sockets of one path, or of many, are served with.
type Server struct {
	// Context bounds what a command waits for.
	Context context.Context //nolint:containedctx // the life of the sockets, not of a call
	Hub     *hub.Hub
	// Options is looked up for every command.
	Options func() *Options
	// Spawn runs a function in a goroutine. Default: go.
	Spawn func(func())
}

// Serve reads the commands of one socket until it ends, and then detaches it and
// calls done. s is conn's sink. It returns at once: while the socket is idle no
// goroutine waits for it, where its connection allows that.
func (v *Server) Serve(conn *wire.Conn, s *hub.Socket, u *channel.User, done func()) {
	l := &loop{server: v, conn: conn, socket: s, hub: v.Hub, user: u, done: done, encoder: Encoder{Deflate: conn.Compressed()}}
	if !conn.Park(l) { // most clients have not sent anything yet
		l.spawn()
	}
}

// loop is what one socket's commands have led to so far.
type loop struct {
	server *Server
	conn   *wire.Conn
	done   func()
	socket *hub.Socket
	hub    *hub.Hub
	user   *channel.User
	held   []held
	rate   rate
	ready  bool // there is something to read

	encoder Encoder
}

// held is one command that is in force, and the Redis channel that it led to.
// Several may lead to one channel.
type held struct {
	command, channel string
}

// Resume implements wire.Parked.
func (l *loop) Resume() {
	l.ready = true
	l.spawn()
}

func (l *loop) spawn() {
	if l.server.Spawn != nil {
		l.server.Spawn(l.run)
		return
	}
	go l.run()
}

// run serves until the socket is idle, or has ended.
func (l *loop) run() {
	parked := false
	defer func() { // a panic ends the socket, too
		if !parked {
			l.end()
		}
	}()
	for {
		if !l.ready {
			if parked = l.conn.Park(l); parked {
				return
			}
		}
		l.ready = false
		op, p, err := l.conn.ReadMessage()
		if err != nil {
			if _, ok := wire.ClientClose(err); !ok {
				l.conn.Linger()
			}
			return
		}
		if l.socket.Closed() {
			continue // until the client's own close frame
		}
		l.command(l.server.Context, l.server.Options(), op, p)
	}
}

func (l *loop) end() {
	l.socket.Detach()
	l.conn.Unpark()
	if l.done != nil {
		l.done()
	}
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
