package pubsub

import (
	"errors"
	"net"
	"slices"
	"time"
)

// verb is a command of the link.
type verb uint8

const (
	ping verb = iota
	subscribe
	unsubscribe
)

// command was written and is not answered yet. Redis answers in order, with one
// reply for each name.
type command struct {
	kind     verb
	names    []string
	replies  int
	complete bool // the ping behind a new connection's subscriptions
}

// maxNames is how many channels one command names. Redis runs a command to its end
// before it serves anybody else.
const maxNames = 512

// retryRefused is how often channels that the server's access rules forbid are
// tried again.
const retryRefused = 10 * time.Second

var (
	errSilent = errors.New("pubsub: no sign of life from redis")
	errWrite  = errors.New("pubsub: redis takes no commands")
)

// writer is the sending half of one session: a goroutine that writes what has
// changed and watches over a silent connection.
type writer struct {
	link  *Link
	conn  net.Conn
	in    *reader
	quit  chan struct{}
	ended chan error

	buf   []byte
	retry time.Time
}

func startWriter(l *Link, conn net.Conn, in *reader) *writer {
	w := &writer{link: l, conn: conn, in: in, quit: make(chan struct{}), ended: make(chan error, 1)}
	go func() { w.ended <- w.run() }()
	return w
}

// stop ends the goroutine and returns why it ended the session, if it did.
func (w *writer) stop() error {
	close(w.quit)
	return <-w.ended
}

func (w *writer) run() error {
	tick := time.NewTicker(w.link.o.Ping / 2)
	defer tick.Stop()
	linger := time.NewTimer(time.Hour)
	defer linger.Stop()
	watch := silence{ping: w.link.o.Ping, pong: w.link.o.Pong}
	w.retry = time.Now().Add(retryRefused)

	for first := true; ; first = false {
		next := w.gather(time.Now(), first)
		if err := w.flush(); err != nil {
			return closed(w.conn, err)
		}
		if next < 0 {
			linger.Stop()
		} else {
			linger.Reset(next)
		}
		select {
		case <-w.link.wake:
		case <-linger.C:
		case now := <-tick.C:
			switch watch.look(now, w.in.steps.Load()) {
			case silenceNew:
				w.link.mu.Lock()
				w.ping(false)
				w.link.mu.Unlock()
			case silenceDead:
				return closed(w.conn, errSilent)
			}
		case <-w.quit:
			return nil
		}
	}
}

// gather puts the commands for everything that has changed into buf, and says when
// the next linger ends (negative: none).
func (w *writer) gather(now time.Time, first bool) time.Duration {
	l := w.link
	l.mu.Lock()
	defer l.mu.Unlock()
	over, next := l.ended(now)
	var subs, unsubs []string
	for _, c := range over {
		c.sent, c.live = false, false
		unsubs = append(unsubs, c.name)
	}
	for _, c := range l.changed {
		if c.wanted && !c.sent && !c.refused && l.channels[c.name] == c {
			c.sent = true
			subs = append(subs, c.name)
		}
	}
	clear(l.changed)
	l.changed = l.changed[:0]
	for names := range slices.Chunk(unsubs, w.batch()) {
		w.add(unsubscribe, names)
	}
	for names := range slices.Chunk(subs, w.batch()) {
		w.add(subscribe, names)
	}
	w.one(l.alone)
	clear(l.alone)
	l.alone = l.alone[:0]
	if now.After(w.retry) {
		w.retry = now.Add(retryRefused)
		l.refused = slices.DeleteFunc(l.refused, func(c *channel) bool {
			return !c.refused || !c.wanted || l.channels[c.name] != c
		})
		w.one(l.refused)
	}
	if first {
		w.ping(true)
	}
	return next
}

// one subscribes to each of cs by a command of its own. The caller holds mu.
func (w *writer) one(cs []*channel) {
	for _, c := range cs {
		if c.wanted && !c.sent && w.link.channels[c.name] == c {
			c.sent = true
			w.add(subscribe, []string{c.name})
		}
	}
}

// batch is how many channels one command names. Sharded ones of one command must be
// of one slot; so each has its own.
func (w *writer) batch() int {
	if w.link.o.sharded {
		return 1
	}
	return maxNames
}

func (w *writer) word(kind verb) string {
	word := "SUBSCRIBE"
	if kind == unsubscribe {
		word = "UNSUBSCRIBE"
	}
	if w.link.o.sharded {
		word = "S" + word
	}
	return word
}

// add and ping append a command. The caller holds mu.
func (w *writer) add(kind verb, names []string) {
	w.buf = appendCommand(w.buf, w.word(kind), names...)
	w.link.inFlight = append(w.link.inFlight, command{kind: kind, names: names, replies: len(names)})
}

func (w *writer) ping(complete bool) {
	w.buf = appendCommand(w.buf, "PING")
	w.link.inFlight = append(w.link.inFlight, command{kind: ping, complete: complete})
}

// answered counts one reply to the oldest command, which must be of this kind. The
// caller holds mu.
func (l *Link) answered(kind verb) bool {
	if len(l.inFlight) == 0 || l.inFlight[0].kind != kind {
		return false
	}
	if l.inFlight[0].replies--; l.inFlight[0].replies == 0 {
		l.inFlight = l.inFlight[1:]
	}
	return true
}

func (w *writer) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	if err := w.conn.SetWriteDeadline(time.Now().Add(w.link.o.Pong)); err != nil {
		return errors.Join(errWrite, err)
	}
	_, err := w.conn.Write(w.buf)
	w.buf = w.buf[:0]
	if cap(w.buf) > 1<<20 {
		w.buf = nil
	}
	if err != nil {
		return errors.Join(errWrite, err)
	}
	return nil
}
