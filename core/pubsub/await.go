package pubsub

import (
	"context"
	"errors"
)

// The errors of Await.
var (
	// ErrRefused means that the server's access rules refuse the channel.
	ErrRefused = errors.New("pubsub: redis refuses the channel")
	// ErrNotAsked means that the channel is not on the link.
	ErrNotAsked = errors.New("pubsub: nobody has asked for the channel")
)

// Await waits until a channel that was put on the link is live: what is published from
// then on arrives. It costs nothing where the channel is live already. Errors:
// ErrRefused, ErrNotAsked, and ctx's: during an outage it waits for the connection.
//
// Where the channel was asked for in an outage, Handler.Gap is called before Await
// returns, if Await was called before the channel was live.
func (l *Link) Await(ctx context.Context, name string) error {
	for {
		wait, err := l.awaited(name)
		if wait == nil {
			return err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// awaited yields what ends a wait for a channel; nil where there is nothing to wait
// for.
func (l *Link) awaited(name string) (<-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.channels[name]
	switch {
	case c == nil || !c.wanted:
		return nil, ErrNotAsked
	case c.refused:
		return nil, ErrRefused
	case c.live:
		return nil, nil
	}
	if c.waiting == nil {
		c.waiting = make(chan struct{})
	}
	return c.waiting, nil
}

// settled lets those go on who await a channel, once the Handler was told what there
// was to tell. The caller holds mu.
func (in *inbox) settled(c *channel) {
	if c.waiting != nil {
		in.settling = append(in.settling, c.waiting)
		c.waiting = nil
	}
}
