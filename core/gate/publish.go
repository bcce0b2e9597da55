package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/hub"
)

const (
	// maxPublishing is how many publishes of clients a gate has under way.
	maxPublishing = 64
	// publishTimeout bounds one, the wait for its turn included.
	publishTimeout = 2 * time.Second
)

// publishCmd is a PUBLISH that is tried once: where its answer was lost, another try
// could deliver the message twice.
type publishCmd struct{ *redis.IntCmd }

func (publishCmd) NoRetry() bool { return true }

// publish sends a client's message to the primary of Redis, from where it comes back
// to this node's sockets as to all others'. After an error nobody knows whether it
// was published. The caller has asked the channel's rule; that may have taken a while, as
// the wait for a turn may, in which the login was displaced and its socket closed.
func (g *Gate) publish(ctx context.Context, by *hub.Socket, name string, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	select {
	case g.publishing <- struct{}{}:
		defer func() { <-g.publishing }()
	case <-ctx.Done():
		g.metrics.unpublished.Add(1)
		return fmt.Errorf("gate: publish: %d are under way: %w", maxPublishing, ctx.Err())
	}
	if by.Closed() {
		return fmt.Errorf("gate: publish: the socket was closed meanwhile: %w", channel.ErrForbidden)
	}
	sh := g.shared.Load()
	ctx, cancel = sh.patience(ctx)
	defer cancel()
	verb := "publish"
	if sh.cfg.Redis.ShardedPubsub {
		verb = "spublish"
	}
	cmd := publishCmd{redis.NewIntCmd(ctx, verb, name, payload)}
	if err := sh.rdb.Process(ctx, cmd); err != nil {
		g.metrics.unpublished.Add(1)
		g.trouble("a client's message could not be published", err)
		return fmt.Errorf("gate: publish: %w", err)
	}
	g.metrics.published.Add(1)
	return nil
}
