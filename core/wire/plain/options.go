package plain

import (
	"context"

	"github.com/wsgate/wsgate/core/channel"
)

// Rules decide what a client may ask for: channel.Rules in production.
type Rules interface {
	// Match yields what a command asks for, or channel.ErrUnknown or
	// channel.ErrForbidden.
	Match(command string, u channel.User) (channel.Match, error)
	// Authorize yields nil, channel.ErrForbidden, or another error where nobody
	// could say. It may wait for the backend.
	Authorize(ctx context.Context, m channel.Match, u channel.User) error
	// Publishes says whether there is a publish command.
	Publishes() bool
	// AuthorizePublish is Authorize for that command.
	AuthorizePublish(ctx context.Context, m channel.Match, u channel.User) error
}

const (
	// DefaultChannels is the most channels of one socket.
	DefaultChannels = 128
	// DefaultCommands is how many commands a second a socket may send.
	DefaultCommands = 50
)

// Options are what one socket path allows. They are shared by its sockets.
type Options struct {
	// Rules decide over commands. Required.
	Rules Rules
	// Joins are what a socket listens to from the start. They don't count against
	// Channels, and `unsubscribe` doesn't end them.
	Joins *channel.Joins
	// Heartbeat is the text that is answered with Reply. Default: none is.
	Heartbeat string
	// Reply is the encoded frame that answers it; nil answers nothing.
	Reply []byte
	// Gap is the encoded frame that tells of messages that may be lost; nil tells
	// nothing.
	Gap []byte
	// Errors tells the client of refused commands.
	Errors bool
	// Channels is the most channels of one socket. Default: DefaultChannels.
	Channels int
	// Commands is how many commands a second a socket may send. As many at once,
	// and one for each of Channels, are no matter, for a page asks for all that it
	// shows when it opens. What is over is refused with rate_limited; ten seconds'
	// worth of refusals, without one second's pause, is close 1008. Default:
	// DefaultCommands.
	Commands int
}

// limits are the bounds with their defaults.
func (o *Options) limits() (channels, commands int) {
	channels, commands = o.Channels, o.Commands
	if channels <= 0 {
		channels = DefaultChannels
	}
	if commands <= 0 {
		commands = DefaultCommands
	}
	return channels, commands
}

// Encoder makes a payload one frame: text if it is valid UTF-8, else binary.
type Encoder struct {
	// Deflate compresses: for sockets that agreed on it.
	Deflate bool
}
