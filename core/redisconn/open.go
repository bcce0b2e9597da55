package redisconn

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/wsgate/wsgate/core/conf"
)

// The time-outs of a client, where the address has no parameter that says
// otherwise (such as ?read_timeout=3s). One attempt and its one retry stay
// together near two seconds.
const (
	dialTimeout  = time.Second
	readTimeout  = time.Second
	writeTimeout = time.Second
	retries      = 1
)

// DialFunc opens a connection, TLS included.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// DialWrap puts something of the caller's around a DialFunc.
type DialWrap func(DialFunc) DialFunc

// Options are the caller's, not the user's.
type Options struct {
	// ClientName is what CLIENT LIST shows; no spaces. Default: wsgate.
	ClientName string
	// WrapDial is put around the dialer. Default: none.
	WrapDial DialWrap
}

// Open returns a client for cfg. It reads the TLS files and connects to nothing.
// The caller closes the client.
//
// It dials, reads and writes within one second each, tries a command twice at
// most, and has 8 connections for each processor, at least 16; a command waits one
// second for a free one. It speaks RESP2: nothing here needs RESP3, whose push
// frames would only put a second kind of message into the pub/sub stream.
func Open(cfg Config, expand conf.Expand, o Options) (redis.UniversalClient, error) {
	t, err := cfg.target(expand)
	if err != nil {
		return nil, err
	}
	opt := t.servers[0]
	opt.ClientName = o.clientName()
	opt.Dialer = o.wrap(dialer(opt))
	switch {
	case t.Sentinel != "":
		return redis.NewFailoverClient(t.failover()), nil
	case t.Cluster():
		return redis.NewClusterClient(t.cluster()), nil
	}
	return redis.NewClient(opt), nil
}

// OpenLink returns a client for one subscription connection, and the way to it: to
// the server; to the master that a Sentinel names, broken off when they name
// another; or to any node of a Cluster, since PUBLISH reaches all of them: its first
// that answers, beginning with the one after the last. WrapDial is called once for
// each connection. All else is as with Open.
func OpenLink(cfg Config, expand conf.Expand, o Options) (*redis.Client, error) {
	t, err := cfg.target(expand)
	if err != nil {
		return nil, err
	}
	opt := *t.servers[0]
	opt.ClientName = o.clientName()
	dial := dialer(&opt)
	switch {
	case t.Sentinel != "":
		dial = newMasters(t, dial).dial
		opt.Username, opt.Password = t.Username, t.Password
	case t.Cluster():
		dial = inTurn(t.servers, dial)
	}
	opt.Dialer = o.wrap(dial)
	return redis.NewClient(&opt), nil
}

// OpenNode is OpenLink to one server of a Cluster, by its address of host and port.
func OpenNode(cfg Config, addr string, expand conf.Expand, o Options) (*redis.Client, error) {
	t, err := cfg.target(expand)
	if err != nil {
		return nil, err
	}
	opt := *t.servers[0]
	opt.Addr, opt.ClientName = addr, o.clientName()
	opt.Dialer = o.wrap(dialer(&opt))
	return redis.NewClient(&opt), nil
}

// DB is the number of the database that a client uses.
func DB(c redis.UniversalClient) int {
	if c, ok := c.(*redis.Client); ok {
		return c.Options().DB
	}
	return 0
}

func (o *Options) clientName() string {
	if o.ClientName == "" {
		return "wsgate"
	}
	return o.ClientName
}

func (o *Options) wrap(dial DialFunc) DialFunc {
	if o.WrapDial == nil {
		return dial
	}
	return o.WrapDial(dial)
}

// tune fills in what the address left open.
func tune(opt *redis.Options) {
	opt.Protocol = 2
	opt.ContextTimeoutEnabled = true
	opt.DisableIdentity = true // CLIENT SETINFO is refused by servers before 7.2
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	opt.DialerRetries = 1 // each would add a whole dial time-out
	setDefault(&opt.DialTimeout, dialTimeout)
	setDefault(&opt.ReadTimeout, readTimeout)
	setDefault(&opt.WriteTimeout, writeTimeout)
	setDefault(&opt.PoolTimeout, time.Second)
	setDefault(&opt.MaxRetries, retries)
	setDefault(&opt.PoolSize, max(16, 8*runtime.GOMAXPROCS(0)))
	setDefault(&opt.PipelinePoolSize, -1) // pipelines are rare here; one pool is easier to reason about
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// dialer differs from go-redis' own in that the TLS handshake, too, ends with the
// context.
func dialer(opt *redis.Options) DialFunc {
	timeout, secure := opt.DialTimeout, opt.TLSConfig
	d := tlsDialer(secure)
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		conn, err := d(ctx, network, addr)
		if err != nil {
			return nil, fmt.Errorf("redisconn: %w", err)
		}
		return conn, nil
	}
}
