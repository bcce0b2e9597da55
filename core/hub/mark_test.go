package hub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/wire"
)

// marked is numbered for sockets that are told where they have got to.
type marked struct{ numbered }

func (marked) Marks() bool { return true }

func (marked) AppendMark(dst []byte, at []Place) []byte {
	var b strings.Builder
	b.WriteString("mark")
	for _, p := range at {
		fmt.Fprintf(&b, " %s=%d", p.Channel, p.Offset)
	}
	return wire.AppendText(dst, []byte(b.String()))
}

func TestMarksComeBehindWhatTheyTellOf(t *testing.T) {
	t.Parallel()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHub(t, Options{})
			open := func() (*Socket, *client) {
				sc, c := tcpPair(t, false)
				s := h.Attach(kind(sc), Meta{})
				c.reads(s)
				return s, c
			}
			s, c := open()
			for _, ch := range []string{"a", "b"} {
				h.SubscribeFrom(s, ch, marked{}, From{Keep: keep}, nil)
			}
			h.Subscribe(s, "bare", marked{}) // has no history
			h.Broadcast("a", []byte("x"))
			h.Flush()
			c.expect("a 1 x") // not marked yet
			h.Broadcast("a", []byte("y"))
			h.Mark(s, marked{})
			c.expect("a 2 y", "mark a=2 b=0")
			// One mark for all that one flush brought, and it comes last.
			for _, m := range []string{"a", "b", "a", "bare"} {
				h.Broadcast(m, []byte("z"))
			}
			h.Flush()
			c.expect("a 3 z", "a 4 z", "b 1 z", "bare 0 z", "mark a=4 b=1")
			h.Broadcast("bare", []byte("z"))
			h.Flush()
			c.expect("bare 0 z", "mark a=4 b=1")
			// Others of the channel are not concerned, nor do they disturb.
			o, oc := open()
			h.Subscribe(o, "a", numbered{})
			p, pc := open()
			h.Broadcast("a", []byte("sealed"))
			h.SubscribeFrom(p, "a", marked{}, From{Keep: keep}, func(dst []byte, st *Start) []byte {
				return wire.AppendText(dst, fmt.Appendf(nil, "start %d", st.Position.Offset))
			})
			c.expect("a 5 sealed", "mark a=5 b=1")
			oc.expect("a 5 sealed")
			pc.expect("start 5")
			h.Unsubscribe(s, "b", marked{})
			h.Broadcast("a", []byte("end"))
			h.Flush()
			c.expect("a 6 end", "mark a=6")
			oc.expect("a 6 end")
			pc.expect("a 6 end")
			s.Close(wire.CloseNormal, "")
			h.Mark(s, marked{}) // nothing comes after a close
			c.expect("close 1000 ")
		})
	}
}
