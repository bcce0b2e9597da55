package pubsub

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// run is the goroutine of Shards that puts channels onto the links where they belong.
func (s *Shards) run(ctx context.Context) {
	defer close(s.done)
	defer s.closeLinks(func(*Link) bool { return true })
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	rested := time.Now()
	for {
		select {
		case <-s.wake:
			s.place(ctx)
		case now := <-tick.C:
			switch {
			case !s.settled():
				s.cluster.Client.ReloadState(ctx)
			case now.Sub(rested) < restEvery:
				continue
			}
			rested = now
			s.place(ctx)
			s.move(ctx)
			s.closeLinks((*Link).idle)
		case <-ctx.Done():
			return
		}
	}
}

// settled says that there is nothing to do now.
func (s *Shards) settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.strayed || len(s.changed) > 0 {
		return false
	}
	for _, l := range s.links {
		if !l.Ready() {
			return false
		}
	}
	return true
}

// place puts channels onto links, or takes them off. Those for which there is no
// server now wait for the next time.
func (s *Shards) place(ctx context.Context) {
	s.mu.Lock()
	names := slices.Collect(maps.Keys(s.changed))
	s.mu.Unlock()
	for _, name := range names {
		s.mu.Lock()
		delete(s.changed, name)
		p := s.wanted[name]
		s.mu.Unlock()
		addr, on := s.where[name]
		switch {
		case p == nil && on:
			delete(s.where, name)
			s.link(addr).Unsubscribe(name)
		case p == nil:
		default:
			if !on {
				var err error
				if addr, err = s.server(ctx, name); err != nil {
					s.mu.Lock()
					s.changed[name] = struct{}{}
					s.mu.Unlock()
					return
				}
				s.link(addr).subscribe(name, false)
				s.where[name] = addr
			}
			s.placed(p, addr)
		}
	}
}

// placed tells those who await a channel where it is.
func (s *Shards) placed(p *placement, addr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.addr == "" {
		select {
		case <-p.at: // wanted no more
		default:
			close(p.at)
		}
	}
	p.addr = addr
}

// move puts channels elsewhere that have another server now, and asks for those
// again that were let go by a server which still has them.
func (s *Shards) move(ctx context.Context) {
	s.mu.Lock()
	s.strayed = false
	s.mu.Unlock()
	for name, addr := range s.where {
		to, err := s.server(ctx, name)
		if err != nil {
			return
		}
		if to == addr {
			if s.link(addr).again(name) {
				s.stray()
			}
			continue
		}
		s.link(to).subscribe(name, true)
		s.where[name] = to
		s.mu.Lock()
		p := s.wanted[name]
		s.mu.Unlock()
		if p != nil {
			s.placed(p, to)
		}
		s.link(addr).Unsubscribe(name)
	}
}

// server is the master that a channel is on.
func (s *Shards) server(ctx context.Context, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	c, err := s.cluster.Client.MasterForKey(ctx, name)
	if err != nil {
		return "", err //nolint:wrapcheck // only looked at, not told
	}
	return c.Options().Addr, nil
}

// link is the one to a server.
func (s *Shards) link(addr string) *Link {
	s.mu.Lock()
	l := s.links[addr]
	s.mu.Unlock()
	if l == nil {
		l = New(func(wrap DialWrap) *redis.Client { return s.cluster.Open(addr, wrap) }, s.handler, s.options)
		s.mu.Lock()
		s.links[addr] = l
		s.mu.Unlock()
	}
	return l
}

// closeLinks closes those that are of no use.
func (s *Shards) closeLinks(useless func(*Link) bool) {
	s.mu.Lock()
	links := maps.Clone(s.links)
	s.mu.Unlock()
	for addr, l := range links {
		if useless(l) {
			s.mu.Lock()
			delete(s.links, addr)
			s.mu.Unlock()
			l.Close()
		}
	}
}

// moved forgets that a channel was asked for, which the server has not: it is asked
// for elsewhere, or again. The caller holds mu.
func (l *Link) moved() {
	names := l.inFlight[0].names
	l.inFlight = l.inFlight[1:]
	for _, name := range names {
		c := l.channels[name]
		if c == nil {
			continue
		}
		if c.sent = false; !c.wanted {
			delete(l.channels, name)
			continue
		}
		c.gap = true
	}
	l.o.moved()
}

// again asks for a channel that the server had not, and says whether it was so.
func (l *Link) again(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.channels[name]
	if c == nil || !c.wanted || c.sent || c.refused || !l.up.Load() {
		return false
	}
	l.touch(c)
	return true
}

// idle says that no channel is on the link.
func (l *Link) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.channels) == 0
}
