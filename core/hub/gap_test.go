package hub

import (
	"fmt"
	"testing"

	"github.com/wsgate/wsgate/core/wire"
)

// gapper is numbered, and tells of gaps.
type gapper struct{ stay bool }

func (gapper) Append(dst []byte, m *Message) []byte { return numbered{}.Append(dst, m) }

func (g gapper) AppendGap(dst []byte, m *Message) ([]byte, bool) {
	return wire.AppendText(dst, fmt.Appendf(nil, "gap %s %d", m.Channel, m.Offset)), g.stay
}

func TestGap(t *testing.T) {
	t.Parallel()
	src := newSource(t)
	h := newHub(t, Options{Source: src})
	var cs []*client
	var ss []*Socket
	var begin Start
	encs := []Encoder{gapper{stay: true}, gapper{}, gapper{}, numbered{}}
	for _, enc := range encs {
		sc, c := tcpPair(t, false)
		s := h.Attach(sc, Meta{})
		h.SubscribeFrom(s, "a", enc, From{Keep: keep}, replay(&begin))
		h.Subscribe(s, "b", enc)
		c.expect("start 0 false")
		cs, ss = append(cs, c), append(ss, s)
	}
	h.Broadcast("a", []byte("x"))
	h.Gap([]string{"a", "nobody's"})
	h.Broadcast("a", []byte("y"))
	h.Broadcast("b", []byte("z"))
	h.Flush()
	cs[0].expect("a 1 x", "gap a 0", "a 1 y", "b 0 z")
	cs[1].expect("a 1 x", "gap a 0", "b 0 z")
	cs[2].expect("a 1 x", "gap a 0", "b 0 z")
	cs[3].expect("a 1 x", "a 1 y", "b 0 z")
	for i, want := range []bool{true, false, false, true} {
		if h.Listens(ss[i], "a", encs[i]) != want || !h.Listens(ss[i], "b", encs[i]) {
			t.Errorf("socket %d listens: %v", i, !want)
		}
	}
	// What was before can't be recovered; the client that asks again starts anew.
	var again Start
	h.SubscribeFrom(ss[1], "a", gapper{}, From{Keep: keep, Since: begin.Position}, replay(&again))
	cs[1].expect("start 1 false")
	if again.Position.Epoch == begin.Position.Epoch {
		t.Error("the epoch is still the same")
	}
	h.Gap([]string{"b"}) // all but those who stay leave, and Redis is asked no more
	h.Flush()
	cs[1].expect("gap b 0")
	if st := h.History(); st.Broken != 1 || st.Rings != 1 {
		t.Errorf("%+v", st)
	}
}

func TestNotice(t *testing.T) {
	t.Parallel()
	notices := map[string][]byte{"one": wire.TextFrame("lost"), "two": wire.TextFrame("missing")}
	h := newHub(t, Options{Notice: func(user any) []byte {
		name, _ := user.(string)
		return notices[name]
	}})
	var cs []*client
	for _, user := range []any{"one", "two", "one", "none", nil} {
		sc, c := tcpPair(t, false)
		s := h.Attach(sc, Meta{User: user})
		h.Subscribe(s, "a", numbered{})
		h.Subscribe(s, "b", numbered{})
		cs = append(cs, c)
	}
	h.Broadcast("a", []byte("x"))
	h.Gap([]string{"a", "b"})
	h.Broadcast("a", []byte("y"))
	h.Flush()
	for i, want := range []string{"lost", "missing", "lost", "", ""} {
		if cs[i].expect("a 0 x"); want != "" {
			cs[i].expect(want) // once, for both channels
		}
		cs[i].expect("a 0 y")
	}
}
