package pubsub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/redisconn"
)

// Waits between connection attempts, each shortened at random by up to a half so
// that the nodes of a cluster don't come back in step.
const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = time.Second
)

// connectTimeout bounds one attempt: dial, TLS, HELLO, AUTH and SELECT.
const connectTimeout = 2 * time.Second

var errRedial = errors.New("pubsub: only the link itself connects")

// catch hands out the connection that go-redis dials, and lets it dial only when
// the link has asked: go-redis would otherwise reconnect behind the link's back.
func (l *Link) catch(next redisconn.DialFunc) redisconn.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		l.mu.Lock()
		allowed := l.mayDial
		l.mayDial = false
		l.mu.Unlock()
		if !allowed {
			return nil, errRedial
		}
		conn, err := next(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		l.dialed = conn
		l.mu.Unlock()
		return conn, nil
	}
}

// connect has go-redis open and prepare a connection and write one PING on it. From
// then on the connection is the link's; closing the PubSub closes it.
func (l *Link) connect(ctx context.Context) (*redis.PubSub, net.Conn, error) {
	if l.client == nil {
		return nil, nil, errors.New("pubsub: there is no redis client")
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	l.mu.Lock()
	l.dialed, l.mayDial = nil, true
	l.mu.Unlock()

	ps := l.client.Subscribe(ctx)
	if err := ps.Ping(ctx); err != nil {
		_ = ps.Close()
		return nil, nil, fmt.Errorf("pubsub: connect: %w", err)
	}
	l.mu.Lock()
	conn := l.dialed
	l.dialed = nil
	l.mu.Unlock()
	if conn == nil {
		_ = ps.Close()
		return nil, nil, errors.New("pubsub: the client was opened without the link's dial wrapper")
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		_ = ps.Close()
		return nil, nil, fmt.Errorf("pubsub: connect: %w", err)
	}
	return ps, conn, nil
}

// backoff is the wait before attempt n, counted from 0.
func backoff(n int) time.Duration {
	d := min(minBackoff<<min(n, 10), maxBackoff)
	return d - time.Duration(rand.Int64N(int64(d)/2)) //nolint:gosec // no secret
}
