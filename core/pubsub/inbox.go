package pubsub

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
)

// inbox is the receiving half of one session.
type inbox struct {
	link    *Link
	reader  *reader
	gaps    []string // to be told before the next read
	pending bool     // something was handed over and not flushed
	live    bool     // channels became live

	settling []chan struct{} // to be closed after the gaps are told
}

var errUnasked = errors.New("pubsub: a reply to nothing that was asked")

// handedOver is called when everything that has arrived is handed over.
func (in *inbox) handedOver() {
	in.tellGaps()
	if in.pending {
		in.pending = false
		in.link.h.Flush()
	}
	if in.live {
		in.live = false
		in.link.h.Live()
	}
	for i, c := range in.settling {
		close(c)
		in.settling[i] = nil
	}
	in.settling = in.settling[:0]
}

func (in *inbox) tellGaps() {
	if len(in.gaps) > 0 {
		in.link.h.Gap(in.gaps)
		in.gaps, in.pending = nil, true
	}
}

// handle does what one frame asks for; an error ends the session.
func (in *inbox) handle(f frame) error {
	switch f.kind {
	case message:
		if name, ok := in.link.known(f.channel); ok {
			in.tellGaps() // which lie before it
			in.pending = true
			in.link.h.Message(name, f.text)
		}
	case oversize:
		if name, ok := in.link.known(f.channel); ok {
			in.link.o.Log.Error("redis message over the limit was dropped",
				slog.String("channel", name), slog.Int("limit", in.link.o.MaxPayload))
			in.gaps = append(in.gaps, name)
		}
	case subscribed:
		return in.subscribed(f.channel)
	case unsubscribed:
		return in.unsubscribed(f.channel)
	case pong:
		return in.pong()
	case failed:
		return in.failed(f.text)
	}
	return nil
}

// known returns the one string of a channel's name, so that no message needs a new
// one; false where nobody wants the channel any more.
func (l *Link) known(name []byte) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.channels[string(name)]
	if c == nil || !c.wanted {
		return "", false
	}
	return c.name, true
}

func (in *inbox) subscribed(name []byte) error {
	l := in.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.answered(subscribe) {
		return errUnasked
	}
	// One that was left and is wanted again may be confirmed by the reply to its
	// first SUBSCRIBE, a moment early; the second follows on the same connection.
	if c := l.channels[string(name)]; c != nil && c.sent {
		c.live, c.refused = true, false
		in.live = true
		in.settled(c)
		if c.gap {
			c.gap = false
			in.gaps = append(in.gaps, c.name)
		}
	}
	return nil
}

func (in *inbox) unsubscribed(name []byte) error {
	l := in.link
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.channels[string(name)]
	if l.answered(unsubscribe) {
		if c != nil && !c.sent && !c.wanted {
			delete(l.channels, c.name)
		}
		return nil
	}
	// The server's own doing: what is published until it is subscribed again is
	// lost, and it counts from now.
	if c == nil {
		return nil
	}
	c.sent, c.live = false, false
	if !c.wanted {
		delete(l.channels, c.name)
		return nil
	}
	c.gap = true
	in.gaps = append(in.gaps, c.name)
	l.touch(c)
	return nil
}

// pong ends the wait for a ping, and the last one of a new connection's first
// commands means that all of them are confirmed.
func (in *inbox) pong() error {
	l := in.link
	l.mu.Lock()
	if len(l.inFlight) == 0 || l.inFlight[0].kind != ping {
		l.mu.Unlock()
		return errUnasked
	}
	complete := l.inFlight[0].complete
	l.inFlight = l.inFlight[1:]
	if complete {
		l.outage, l.down = false, false
		l.up.Store(true)
	}
	count := len(l.channels)
	l.mu.Unlock()
	if complete {
		l.o.Log.Info("redis subscription link is up", slog.Int("channels", count))
		in.tellGaps()
		in.pending = true
		l.h.Up()
	}
	return nil
}

// failed handles an error reply. Redis refuses a whole SUBSCRIBE when one of its
// channels is forbidden, so each is then asked for alone.
func (in *inbox) failed(text []byte) error {
	l := in.link
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.inFlight) > 0 && l.inFlight[0].kind == subscribe && l.o.sharded && bytes.HasPrefix(text, []byte("MOVED ")) {
		l.moved()
		return nil
	}
	if len(l.inFlight) == 0 || l.inFlight[0].kind != subscribe || !bytes.HasPrefix(text, []byte("NOPERM")) {
		return fmt.Errorf("pubsub: redis says: %.200s", text)
	}
	names := l.inFlight[0].names
	l.inFlight = l.inFlight[1:]
	for _, name := range names {
		c := l.channels[name]
		if c == nil {
			continue
		}
		c.sent = false
		switch {
		case !c.wanted:
			delete(l.channels, name)
		case len(names) > 1:
			l.alone = append(l.alone, c)
		case !c.refused:
			c.refused, c.gap = true, true
			in.settled(c)
			in.gaps = append(in.gaps, name)
			l.refused = append(l.refused, c)
			l.o.Log.Error("redis refuses a channel to this user: its ACL needs a & rule for it", slog.String("channel", name))
		}
	}
	l.wakeWriter()
	return nil
}
