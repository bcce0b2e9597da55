package pubsub

import (
	"context"
	"log/slog"
	"net"
	"slices"
	"time"
)

// run is the link's goroutine: one session after the other.
func (l *Link) run(ctx context.Context) {
	defer close(l.done)
	if l.client != nil {
		defer func() { _ = l.client.Close() }()
	}
	for attempt := 0; ; attempt++ {
		wasUp, err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		l.lost(err)
		if wasUp {
			attempt = 0
		}
		select {
		case <-time.After(backoff(attempt)):
		case <-ctx.Done():
			return
		}
	}
}

// session is the life of one connection.
func (l *Link) session(ctx context.Context) (wasUp bool, err error) {
	ps, conn, err := l.connect(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = ps.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()

	in := &inbox{link: l}
	in.reader = newReader(conn, l.o.MaxPayload, in.handedOver)
	l.begin()
	out := startWriter(l, conn, in.reader)
	for err == nil {
		var f frame
		if f, err = in.reader.next(); err == nil {
			err = in.handle(f)
		}
	}
	// The writer may have closed the connection, and then knows why.
	_ = conn.Close()
	if cause := out.stop(); cause != nil {
		err = cause
	}
	in.handedOver()
	return l.up.Swap(false), err
}

// begin puts every wanted channel before the writer of a new connection. connect
// has written one PING already.
func (l *Link) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inFlight = append(l.inFlight[:0], command{kind: ping})
	l.changed, l.alone = l.changed[:0], l.alone[:0]
	for _, c := range l.channels {
		l.changed = append(l.changed, c)
	}
}

// lost forgets what belonged to the connection, and tells of it.
func (l *Link) lost(err error) {
	l.mu.Lock()
	var gone []string
	for name, c := range l.channels {
		if !c.wanted {
			delete(l.channels, name)
			continue
		}
		if c.live {
			gone = append(gone, name)
		}
		c.sent, c.live, c.refused, c.lingers, c.gap = false, false, false, false, true
	}
	l.linger, l.refused = nil, nil
	first := !l.down
	l.outage, l.down = true, true
	l.mu.Unlock()

	l.o.Log.Debug("redis subscription link is down", slog.Any("error", err), slog.Int("channels", len(gone)))
	if first {
		l.h.Down(err)
	}
	if len(gone) > 0 {
		slices.Sort(gone)
		l.h.Gap(gone)
		l.h.Flush()
	}
}

// closed makes an error of conn's end that the writer caused.
func closed(conn net.Conn, err error) error {
	_ = conn.Close()
	return err
}
