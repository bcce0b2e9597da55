package history

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Now()

func at(d time.Duration) time.Time { return start.Add(d) }

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func texts(es []Entry) string {
	var s []string
	for _, e := range es {
		s = append(s, fmt.Sprintf("%d=%s", e.Offset, e.Payload))
	}
	return strings.Join(s, " ")
}

func TestRing(t *testing.T) {
	t.Parallel()
	s := New(0, at(0))
	r := s.Open("a", Keep{3, time.Minute}, at(0))
	begin := r.Position()
	if begin.Epoch == "" || begin.Offset != 0 {
		t.Fatalf("a ring begins at %+v", begin)
	}
	if got, ok := r.Since(begin, at(0)); len(got) != 0 || !ok {
		t.Errorf("nothing was published: %v %v", got, ok)
	}
	payload := []byte("1")
	r.Add(payload, at(time.Second))
	payload[0] = 'x' // Add takes a copy
	r.Add([]byte("2"), at(2*time.Second))
	if got, ok := r.Since(begin, at(3*time.Second)); texts(got) != "1=1 2=2" || !ok {
		t.Errorf("since the beginning: %s %v", texts(got), ok)
	}
	if e, ok := r.Last(at(3 * time.Second)); !ok || string(e.Payload) != "2" || e.Offset != 2 {
		t.Errorf("last: %+v %v", e, ok)
	}
	for _, c := range []struct {
		name string
		from Position
		now  int
		want string
		ok   bool
	}{
		{"the newest", Position{begin.Epoch, 2}, 3, "", true},
		{"the future", Position{begin.Epoch, 3}, 3, "", false},
		{"another epoch", Position{"other", 1}, 3, "", false},
		{"no position", Position{}, 3, "", false},
		{"one is too old", Position{begin.Epoch, 0}, 61, "", false},
		{"one is too old, and was had", Position{begin.Epoch, 1}, 61, "2=2", true},
		{"both are too old", Position{begin.Epoch, 1}, 62, "", false},
		{"both are too old, and were had", Position{begin.Epoch, 2}, 62, "", true},
	} {
		got, ok := r.Since(c.from, at(seconds(c.now)))
		if texts(got) != c.want || ok != c.ok {
			t.Errorf("%s: %q %v, want %q %v", c.name, texts(got), ok, c.want, c.ok)
		}
	}
	if _, ok := r.Last(at(62 * time.Second)); ok {
		t.Error("the last message is too old")
	}
}

func TestOneMoreThanIsKept(t *testing.T) {
	t.Parallel()
	s := New(0, at(0))
	r := s.Open("a", Keep{3, time.Minute}, at(0))
	begin := r.Position()
	for i := range 5 {
		r.Add([]byte(fmt.Sprint(i+1)), at(0))
	}
	if _, ok := r.Since(Position{begin.Epoch, 1}, at(0)); ok {
		t.Error("2 is gone")
	}
	if got, ok := r.Since(Position{begin.Epoch, 2}, at(0)); texts(got) != "3=3 4=4 5=5" || !ok {
		t.Errorf("%s %v", texts(got), ok)
	}
	// Another rule of the same channel keeps more.
	if s.Open("a", Keep{5, time.Second}, at(0)) != r {
		t.Fatal("two rings of one channel")
	}
	r.Add([]byte("6"), at(0))
	r.Add([]byte("7"), at(0))
	if got, ok := r.Since(Position{begin.Epoch, 2}, at(59*time.Second)); len(got) != 5 || !ok {
		t.Errorf("%s %v", texts(got), ok)
	}
}

// At finds the position that the channel had at an event.
func TestAt(t *testing.T) {
	t.Parallel()
	s := New(0, at(0))
	before := s.Tick()
	r := s.Open("a", Keep{3, time.Minute}, at(0))
	ticks := []uint64{s.Now()}
	for range 5 {
		r.Add(nil, at(0)) // 1 and 2 are dropped in the end
		ticks = append(ticks, s.Now())
		s.Tick()
	}
	epoch := r.Position().Epoch
	if p := r.At(before); p.Epoch != "" {
		t.Errorf("before the ring began: %+v", p)
	}
	for i, want := range []Position{{}, {}, {epoch, 2}, {epoch, 3}, {epoch, 4}, {epoch, 5}} {
		if got := r.At(ticks[i]); got != want {
			t.Errorf("after %d: %+v, want %+v", i, got, want)
		}
		if got := r.At(ticks[i] + 1); i > 0 && got != want {
			t.Errorf("a tick after %d: %+v, want %+v", i, got, want)
		}
	}
	now := s.Now()
	r.Break()
	if p := r.At(now); p.Epoch != "" {
		t.Errorf("before the break: %+v", p)
	}
	if p := r.At(s.Now()); p.Epoch == epoch || p.Epoch == "" || p.Offset != 0 {
		t.Errorf("after the break: %+v", p)
	}
}

// A ring without listeners stays for as long as its messages would.
func TestIdleRingsEnd(t *testing.T) {
	t.Parallel()
	s := New(0, at(0))
	a := s.Open("a", Keep{3, 10 * time.Second}, at(0))
	b := s.Open("b", Keep{3, 400 * time.Second}, at(0)) // longer than the wheel turns
	a.Add([]byte("1"), at(5*time.Second))
	s.Leave(a, at(8*time.Second))
	s.Leave(b, at(8*time.Second))
	s.Leave(b, at(9*time.Second)) // says nothing new
	for sec := range 17 {
		if got := s.Sweep(at(seconds(sec + 1))); len(got) != 0 {
			t.Fatalf("after %d s: %v", sec+1, got)
		}
	}
	if st := s.Stats(); st.Rings != 2 || st.Messages != 0 || st.Bytes != 0 {
		t.Errorf("the message should be gone: %+v", st)
	}
	if got := s.Sweep(at(19 * time.Second)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("ended: %v", got)
	}
	if s.Find("a") != nil || s.Open("b", Keep{}, at(20*time.Second)) != b {
		t.Error("a should be gone and b there")
	}
	for sec := range 500 {
		s.Sweep(at(seconds(20 + sec)))
	}
	if s.Find("b") != b {
		t.Error("b has a listener")
	}
	s.Leave(b, at(520*time.Second))
	var ended []string
	for sec := range 402 {
		ended = append(ended, s.Sweep(at(seconds(520+sec)))...)
	}
	if !slices.Equal(ended, []string{"b"}) {
		t.Errorf("ended: %v", ended)
	}
}

func TestIdleRingsAreBounded(t *testing.T) {
	t.Parallel()
	s := New(0, at(0))
	for i := range maxIdle + 2 {
		s.Leave(s.Open(fmt.Sprint(i), Keep{1, time.Hour}, at(0)), at(0))
	}
	if s.Len() != maxIdle || s.Find("0") != nil || s.Find("1") != nil || s.Find("2") == nil {
		t.Errorf("%d rings", s.Len())
	}
	if got := s.Sweep(at(0)); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("ended: %v", got)
	}
}

// A busy channel costs the others nothing until the store is full; then what would end
// first goes.
func TestBytesAreBounded(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	s := New(most, at(0))
	quiet := s.Open("quiet", Keep{10, time.Hour}, at(0))
	quiet.Add([]byte("1"), at(0))
	begin := quiet.Position()
	busy := s.Open("busy", Keep{1e6, time.Minute}, at(0))
	big := make([]byte, 1000)
	for range 5000 {
		busy.Add(big, at(0))
		if busy.bytes > most/maxShare {
			t.Fatalf("one ring has %d bytes", busy.bytes)
		}
	}
	if s.Stats().Evicted == 0 {
		t.Error("nothing was evicted")
	}
	for i := range 100 {
		r := s.Open(fmt.Sprint(i), Keep{100, time.Minute}, at(0))
		for range 100 {
			r.Add(big, at(0))
			if st := s.Stats(); st.Bytes > most {
				t.Fatalf("%d bytes", st.Bytes)
			}
		}
	}
	if got, ok := quiet.Since(begin, at(0)); !ok || len(got) != 0 {
		t.Error("the quiet channel lost its place")
	}
	if _, ok := quiet.Last(at(0)); !ok {
		t.Error("what ends last went first")
	}
	huge := s.Open("huge", Keep{1, time.Minute}, at(0))
	before := huge.Position()
	huge.Add(make([]byte, most), at(0))
	if _, ok := huge.Since(before, at(0)); ok {
		t.Error("a message that is larger than a ring was not kept")
	}
}

// Whatever happens, a ring yields exactly what came after a position, or says that it
// can't, and the store's sums are right.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		now := time.Duration(0)
		s := New(rapid.IntRange(2000, 20000).Draw(rt, "bytes"), at(now))
		type model struct {
			r     *Ring
			epoch string
			all   []string // of the epoch
			times []time.Duration
			seqs  []uint64
			began uint64
		}
		rings := map[string]*model{}
		names := []string{"a", "b", "c"}
		name := rapid.SampledFrom(names)
		pick := func(rt *rapid.T) *model {
			m := rings[name.Draw(rt, "channel")]
			if m == nil {
				rt.Skip("no ring")
			}
			return m
		}
		n := 0
		rt.Repeat(map[string]func(*rapid.T){
			"open": func(rt *rapid.T) {
				ch := name.Draw(rt, "channel")
				keep := Keep{rapid.IntRange(1, 20).Draw(rt, "n"), time.Duration(rapid.IntRange(1, 300).Draw(rt, "for")) * time.Second}
				r := s.Open(ch, keep, at(now))
				if m := rings[ch]; m == nil {
					rings[ch] = &model{r: r, epoch: r.Position().Epoch, began: s.Now()}
				} else if m.r != r {
					rt.Fatal("a second ring")
				}
			},
			"add": func(rt *rapid.T) {
				m := pick(rt)
				n++
				p := fmt.Sprint(n, strings.Repeat("x", rapid.IntRange(0, 300).Draw(rt, "size")))
				m.all, m.times = append(m.all, p), append(m.times, now)
				got := m.r.Add([]byte(p), at(now))
				m.seqs = append(m.seqs, s.Now())
				if got != uint64(len(m.all)) {
					rt.Fatalf("offset %d, want %d", got, len(m.all))
				}
			},
			"leave": func(rt *rapid.T) { s.Leave(pick(rt).r, at(now)) },
			"break": func(rt *rapid.T) {
				m := pick(rt)
				m.r.Break()
				*m = model{r: m.r, epoch: m.r.Position().Epoch, began: s.Now()}
			},
			"time": func(rt *rapid.T) {
				now += time.Duration(rapid.IntRange(1, 100_000).Draw(rt, "ms")) * time.Millisecond
				for _, ch := range s.Sweep(at(now)) {
					if rings[ch].r.idle != nil {
						rt.Fatal("ended, and still listed")
					}
					delete(rings, ch)
				}
			},
			"since": func(rt *rapid.T) {
				m := pick(rt)
				from := rapid.IntRange(0, len(m.all)).Draw(rt, "from")
				got, ok := m.r.Since(Position{m.epoch, uint64(from)}, at(now))
				if !ok {
					return
				}
				if len(got) != len(m.all)-from {
					rt.Fatalf("%d messages since %d of %d", len(got), from, len(m.all))
				}
				for i, e := range got {
					if string(e.Payload) != m.all[from+i] || e.Offset != uint64(from+i+1) || m.times[from+i]+m.r.keep.For <= now {
						rt.Fatalf("%d is %d %.20q", from+i, e.Offset, e.Payload)
					}
				}
			},
			"at": func(rt *rapid.T) {
				m := pick(rt)
				then := rapid.Uint64Range(0, s.Now()).Draw(rt, "then")
				p := m.r.At(then)
				if p.Epoch == "" {
					return
				}
				want := 0
				for want < len(m.seqs) && m.seqs[want] <= then {
					want++
				}
				if p.Offset != uint64(want) || then < m.began {
					rt.Fatalf("at %v: %d, want %d", then, p.Offset, want)
				}
			},
			"": func(rt *rapid.T) {
				bytes, messages, idle := 0, 0, 0
				s.Each(func(r *Ring) {
					bytes, messages = bytes+r.bytes, messages+r.n
					if r.idle != nil {
						idle++
					}
					if r.n > r.keep.Messages || (r.n > 0 || r.idle != nil) && r.slot < 0 {
						rt.Fatalf("%s: %d messages, slot %d", r.name, r.n, r.slot)
					}
				})
				if s.bytes != bytes || s.messages != messages || s.idle.Len() != idle || s.bytes > s.max {
					rt.Fatalf("%d bytes and %d messages, want %d and %d", s.bytes, s.messages, bytes, messages)
				}
			},
		})
	})
}
