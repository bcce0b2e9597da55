package hub

import (
	"testing"

	"github.com/wsgate/wsgate/core/wire"
)

func TestConnectLater(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, Options{})
			s := h.Attach(nil, Meta{Login: login(1)})
			h.Subscribe(s, "a", text(""))
			s.Send(wire.TextFrame("one"))
			h.Broadcast("a", []byte("two"))
			h.Flush()
			sc, c := tcpPair(t, false)
			s.Connect(kind(sc))
			c.reads(s)
			c.expect("one", "two")
			h.Broadcast("a", []byte("three"))
			h.Flush()
			c.expect("three")

			// Closed before: what was to be said is.
			s = h.Attach(nil, Meta{Login: login(1)})
			s.Close(wire.CloseDisplaced, "displaced", wire.TextFrame("loginOut"))
			sc, c = tcpPair(t, false)
			s.Connect(kind(sc))
			c.reads(s)
			c.expect("loginOut", "close 4501 displaced")

			// Ended before: so does the connection.
			s = h.Attach(nil, Meta{})
			s.Detach()
			sc, c = tcpPair(t, false)
			s.Connect(kind(sc))
			if op, m, err := c.frame(); err == nil {
				t.Errorf("got %v %q", op, m)
			}
			// More than its queue takes: it is a slow consumer.
			s = h.Attach(nil, Meta{Queue: 10})
			s.Send(wire.TextFrame("a first one may be long"))
			s.Send(wire.TextFrame("a second not"))
			sc, c = tcpPair(t, false)
			s.Connect(kind(sc))
			c.reads(s)
			c.expect("close 4008 slow consumer")
		})
	}
}
