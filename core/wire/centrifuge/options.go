package centrifuge

import (
	"time"

	"github.com/wsgate/wsgate/core/channel"
)

// Options are what one socket path allows. They are shared by its sockets.
type Options struct {
	// Rules decide over channels. Required.
	Rules *channel.Rules
	// Joins are what a socket listens to from the start: the protocol's server-side
	// subscriptions. They don't count against Channels.
	Joins *channel.Joins
	// Channels is the most channels of one socket. Required.
	Channels int
	// Commands is how many commands a second a socket may send, as plain's. Required.
	Commands int
	// Format is the clients'. It never changes for open sockets. Default: JSON.
	Format Format
	// Ping is how often the hub pings the client, as it is told. Required.
	Ping time.Duration
}
