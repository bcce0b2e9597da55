package pubsub

import (
	"log/slog"
	"time"
)

// Handler is told what happens on a link. Fields may be nil. See the package
// comment for who calls them.
type Handler struct {
	// Message gets each message in the order of the server. The payload is only
	// valid until Message returns.
	Message func(channel string, payload []byte)
	// Flush is called after one or more calls of Message or Gap, before the link
	// waits for more.
	Flush func()
	// Gap says that messages on these channels may be lost: at once when they are, or
	// when Redis refuses the channel, and once more when the channels are live again.
	Gap func(channels []string)
	// Live is called when channels became live: what is published from now on arrives.
	Live func()
	// Up is called when all channels are subscribed on a new connection.
	Up func()
	// Down is called once for each outage, with its first error.
	Down func(error)
}

// Options are the link's numbers. Zero values are the defaults.
type Options struct {
	// Linger is how long a channel that nobody wants any more stays subscribed.
	// Default: 5s. Negative: not at all.
	Linger time.Duration
	// Ping is after which silence the server is asked for a sign of life.
	// Default: 1s.
	Ping time.Duration
	// Pong is how long it may take to give one. Default: 2s.
	Pong time.Duration
	// MaxPayload is the largest message in bytes. Default: 8388608.
	MaxPayload int
	// Replaces says that the link takes over from another: what is put on it before
	// it is up was live there, and is told as a gap. Default: false.
	Replaces bool
	// Log gets connects, and what Redis refuses. Default: discarded.
	Log *slog.Logger

	// sharded says that the channels are a Cluster's sharded ones, and moved is
	// told when the server has one of them no more.
	sharded bool
	moved   func()
}

func (o Options) withDefaults() Options {
	if o.Linger == 0 {
		o.Linger = 5 * time.Second
	}
	if o.Ping == 0 {
		o.Ping = time.Second
	}
	if o.Pong == 0 {
		o.Pong = 2 * time.Second
	}
	if o.MaxPayload == 0 {
		o.MaxPayload = 8 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func (h Handler) withDefaults() Handler {
	if h.Message == nil {
		h.Message = func(string, []byte) {}
	}
	if h.Flush == nil {
		h.Flush = func() {}
	}
	if h.Gap == nil {
		h.Gap = func([]string) {}
	}
	if h.Live == nil {
		h.Live = func() {}
	}
	if h.Up == nil {
		h.Up = func() {}
	}
	if h.Down == nil {
		h.Down = func(error) {}
	}
	return h
}
