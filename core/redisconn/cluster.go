package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// maxRedirects bounds the attempts of a command in a Cluster, where a slot may be
// moving and a node hang.
const maxRedirects = 2

func (t *target) cluster() *redis.ClusterOptions {
	o := t.servers[0]
	return &redis.ClusterOptions{
		Addrs: t.addrs(), ClientName: o.ClientName, Dialer: o.Dialer,
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		Protocol: o.Protocol, MaxRedirects: maxRedirects, ContextTimeoutEnabled: true,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		DialerRetries: o.DialerRetries, PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout,
		PipelinePoolSize: o.PipelinePoolSize, DisableIdentity: true,
		MaintNotificationsConfig: o.MaintNotificationsConfig,
	}
}

func (t *target) addrs() []string {
	addrs := make([]string, len(t.servers))
	for i, o := range t.servers {
		addrs[i] = o.Addr
	}
	return addrs
}

// inTurn dials the servers whatever address it is asked for: first the one after the
// last that was dialed, for that one may have gone.
func inTurn(servers []*redis.Options, dial DialFunc) DialFunc {
	var turn atomic.Uint32
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var errs []error
		for range servers {
			at := servers[int(turn.Add(1)-1)%len(servers)].Addr
			conn, err := dial(ctx, network, at)
			if err == nil {
				return conn, nil
			}
			errs = append(errs, err)
			if ctx.Err() != nil {
				break
			}
		}
		return nil, errors.Join(errs...)
	}
}

// Subscribers is how many connections, of all servers that c leads to, are
// subscribed to a channel: in a Cluster the reply to PUBLISH counts only those of
// one node.
func Subscribers(ctx context.Context, c redis.UniversalClient, channel string) (int64, error) {
	var sum atomic.Int64
	count := func(ctx context.Context, node *redis.Client) error {
		n, err := node.PubSubNumSub(ctx, channel).Result()
		sum.Add(n[channel])
		return err
	}
	var err error
	switch c := c.(type) {
	case *redis.ClusterClient:
		err = c.ForEachShard(ctx, count)
	case *redis.Client:
		err = count(ctx, c)
	default:
		err = fmt.Errorf("no client of this package: %T", c)
	}
	if err != nil {
		return 0, fmt.Errorf("redisconn: %w", err)
	}
	return sum.Load(), nil
}
