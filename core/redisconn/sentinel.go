package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// watchEvery is how often the Sentinels are asked whether the master of an open
// link is still the master. One that was cut off from them would take no part in
// anything that is published, without a word.
const watchEvery = time.Second

func (t *target) failover() *redis.FailoverOptions {
	o := t.servers[0]
	return &redis.FailoverOptions{
		MasterName: t.Sentinel, SentinelAddrs: t.addrs(),
		SentinelUsername: o.Username, SentinelPassword: o.Password,
		Username: t.Username, Password: t.Password, DB: o.DB,
		ClientName: o.ClientName, Dialer: o.Dialer, TLSConfig: o.TLSConfig,
		Protocol: o.Protocol, MaxRetries: o.MaxRetries, ContextTimeoutEnabled: true,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		DialerRetries: o.DialerRetries, PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout,
		PipelinePoolSize: o.PipelinePoolSize, DisableIdentity: true,
	}
}

// masters dials the master that the Sentinels name.
type masters struct {
	name      string
	sentinels []redis.Options
	open      DialFunc
}

func newMasters(t *target, dial DialFunc) *masters {
	m := &masters{name: t.Sentinel, open: dial}
	for _, s := range t.servers {
		o := *s
		o.DB, o.MaxRetries = 0, -1
		o.Dialer = dial
		m.sentinels = append(m.sentinels, o)
	}
	return m
}

// ask returns the address of the master, as the first Sentinel that knows it has it.
func (m *masters) ask(ctx context.Context) (string, error) {
	var errs []error
	for i := range m.sentinels {
		addr, err := m.askOne(ctx, &m.sentinels[i])
		if err == nil {
			return addr, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return "", fmt.Errorf("redisconn: no sentinel names the master: %w", errors.Join(errs...))
}

func (m *masters) askOne(ctx context.Context, o *redis.Options) (string, error) {
	opt := *o
	c := redis.NewSentinelClient(&opt)
	defer func() { _ = c.Close() }() // nothing was written that could be lost
	pair, err := c.GetMasterAddrByName(ctx, m.name).Result()
	if err != nil {
		return "", err //nolint:wrapcheck // ask wraps it
	}
	if len(pair) != 2 {
		return "", errors.New("an answer of another form")
	}
	return net.JoinHostPort(pair[0], pair[1]), nil
}

// dial is a DialFunc that takes no address.
func (m *masters) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	addr, err := m.ask(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := m.open(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w := &watched{Conn: conn, over: make(chan struct{})}
	go w.watch(m, addr) //nolint:gosec // for the life of the connection, not of ctx
	return w, nil
}

// watched is a connection that breaks off when its server is the master no more.
type watched struct {
	net.Conn
	once sync.Once
	over chan struct{}
}

// Close implements net.Conn.
func (w *watched) Close() error {
	w.once.Do(func() { close(w.over) })
	return w.Conn.Close() //nolint:wrapcheck // it only passes
}

func (w *watched) watch(m *masters, addr string) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-w.over:
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.Background(), dialTimeout+readTimeout)
		now, err := m.ask(ctx)
		cancel()
		// Sentinels that can't be asked say nothing about the master.
		if err == nil && now != addr {
			_ = w.Close()
			return
		}
	}
}
