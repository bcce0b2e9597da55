package centrifuge

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

// Server is what the sockets of one path, or of many, are served with.
type Server struct {
	// Context bounds what a command waits for.
	Context context.Context //nolint:containedctx // the life of the sockets, not of a call
	Hub     *hub.Hub
	// Options is looked up for every frame.
	Options func() *Options
	// Live waits until a Redis channel that the hub holds is live: what is published
	// from then on arrives.
	Live func(ctx context.Context, channel string) error
	// Publish publishes in Redis what the client of a socket sends, unless the socket was
	// closed meanwhile. Required where rules allow it.
	Publish func(ctx context.Context, by *hub.Socket, channel string, payload []byte) error
	// Spawn runs a function in a goroutine. Default: go.
	Spawn func(func())
}

// patience is how long the commands of one frame may wait for Redis in all. The clients
// give a command up after five seconds.
const patience = 3 * time.Second

// Client is who a socket belongs to.
type Client struct {
	// User is nil where Admit is to tell.
	User *channel.User
	// Expires is when the client should have sent a fresh token. Zero: it need not.
	Expires time.Time
	// Refresh lets the socket go on with a fresh token, as the client that it yields.
	// Errors: ErrExpired, channel.ErrForbidden for another account, and others that may
	// pass; or it closes the socket. Nil: tokens can't be refreshed.
	Refresh func(ctx context.Context, s *hub.Socket, t token.Token) (Client, error)
	// Is says whether a token is the one that the socket was admitted with. Required
	// where Admit is not.
	Is func(t token.Token) bool
	// Admit lets the socket in by the token of its connect command, the zero Token where
	// that has none; or it closes the socket, after it called refused.
	Admit func(ctx context.Context, t token.Token, refused func(wire.CloseCode)) (Client, bool)
}

// Serve reads the commands of one socket until it ends, and then detaches it and calls
// done. s is conn's sink. It returns at once.
func (v *Server) Serve(conn *wire.Conn, s *hub.Socket, c Client, done func()) {
	l := &loop{server: v, socket: s, hub: v.Hub, client: c, done: done, deflate: conn.Compressed(), format: v.Options().Format}
	l.reading.Start(conn, l, v.Spawn)
}

// loop is what one socket's commands have led to so far.
type loop struct {
	reading   wire.Loop
	server    *Server
	done      func()
	socket    *hub.Socket
	hub       *hub.Hub
	client    Client
	held      []held
	rate      wire.Rate
	format    Format
	deflate   bool
	connected bool
	out       []byte // replies that wait for flush, behind the room for a header
}

// held is a channel that the client is subscribed to, and the Redis channel that it is;
// none for a watch that relays nothing. Several may be one.
type held struct {
	name, redis string
	kept        bool // its rule keeps a history
	joined      bool // the site's choice, not the client's
}

// Closed implements wire.Listener.
func (l *loop) Closed() bool { return l.socket.Closed() }

// End implements wire.Listener.
func (l *loop) End() {
	l.socket.Detach()
	if l.done != nil {
		l.done()
	}
}

var started = time.Now()

// Message implements wire.Listener: a frame has one or more commands. The
// replies go out in one frame too, but for those before a command that waits.
func (l *loop) Message(op wire.Opcode, p []byte) {
	if op != l.format.opcode() {
		l.refuse("JSON comes in text frames, and Protobuf in binary ones")
		return
	}
	until := time.Now().Add(patience)
	o := l.server.Options()
	d := l.format.decoder(p)
	for {
		c, err := d.Decode()
		if c != nil {
			ctx, cancel := context.WithDeadline(l.server.Context, until)
			l.command(ctx, o, c)
			cancel()
		}
		if c != nil && c.Connect != nil { // the login had a time of its own
			until = time.Now().Add(patience)
		}
		switch {
		case l.socket.Closed():
			return
		case errors.Is(err, io.EOF):
			l.flush()
			return
		case err != nil:
			l.refuse("malformed command")
			return
		}
	}
}

// command carries out one command. Its strings lie in the frame's buffer: what is kept
// must be cloned.
func (l *loop) command(ctx context.Context, o *Options, c *protocol.Command) {
	verdict := l.rate.Take(time.Since(started), o.Commands, o.Commands+o.Channels)
	switch {
	case verdict == wire.RateExcessive:
		l.refuse("too many commands")
	case isPong(c):
	case c.Id == 0 && c.Send == nil:
		l.refuse("a command needs an id")
	case !l.connected && c.Connect == nil:
		l.refuse("the first command must be connect")
	case verdict == wire.RateLimited && c.Unsubscribe == nil && c.Send == nil: // a client whose unsubscribe fails reconnects
		l.fail(c.Id, errTooMany)
	case c.Connect != nil:
		l.connect(ctx, o, c.Id, c.Connect)
	case c.Subscribe != nil:
		l.subscribe(ctx, o, c.Id, c.Subscribe)
	case c.Unsubscribe != nil:
		l.unsubscribe(c.Id, c.Unsubscribe)
	case c.Publish != nil:
		l.publish(ctx, o, c.Id, c.Publish)
	case c.Send != nil:
		l.close(disconnectNotAvailable, "send is not available")
	case c.Ping != nil:
		l.fail(c.Id, errMethodNotFound)
	case c.History != nil:
		l.history(o, c.Id, c.History)
	case c.Refresh != nil:
		l.refresh(c.Id, c.Refresh)
	case c.Rpc != nil, c.Presence != nil, c.PresenceStats != nil, c.SubRefresh != nil:
		l.fail(c.Id, errNotAvailable)
	default:
		l.refuse("a command needs a request")
	}
}

// isPong says that a command is empty, which answers a ping. That it came is a sign of
// life already.
func isPong(c *protocol.Command) bool {
	return c.Id == 0 && c.Connect == nil && c.Subscribe == nil && c.Unsubscribe == nil && c.Publish == nil &&
		c.Presence == nil && c.PresenceStats == nil && c.History == nil && c.Ping == nil && c.Send == nil &&
		c.Rpc == nil && c.Refresh == nil && c.SubRefresh == nil
}

// holds finds a channel among those that the client is subscribed to.
func (l *loop) holds(name string) int {
	return slices.IndexFunc(l.held, func(h held) bool { return h.name == name })
}

// refuse ends the socket of a client that broke the protocol.
func (l *loop) refuse(reason string) { l.close(disconnectBadRequest, reason) }

func (l *loop) close(code uint32, reason string) {
	l.flush()
	l.socket.Close(wire.ClosePolicy, reason, l.format.disconnectFrame(code, reason))
}
