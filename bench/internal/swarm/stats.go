//go:build linux

package swarm

import (
	"fmt"
	"strings"

	"github.com/wsgate/wsgate/bench/internal/hist"
	"github.com/wsgate/wsgate/bench/internal/payload"
)

// Stats is what the sockets counted since they were last reset.
type Stats struct {
	Deliveries uint64
	Reads      uint64
	Latency    hist.Hist
}

// Faults are deliveries that were not what was published. Any of them makes a
// figure worthless.
type Faults struct {
	Lost       uint64 `json:"lost,omitempty"`
	Repeated   uint64 `json:"repeated,omitempty"`
	Misrouted  uint64 `json:"misrouted,omitempty"`
	Closed     uint64 `json:"closed,omitempty"`
	Unexpected string `json:"unexpected,omitempty"`
}

// String is empty where nothing went wrong.
func (f Faults) String() string {
	var parts []string
	for _, p := range []struct {
		n    uint64
		name string
	}{{f.Lost, "lost"}, {f.Repeated, "repeated"}, {f.Misrouted, "misrouted"}, {f.Closed, "closed"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.name))
		}
	}
	if f.Unexpected != "" {
		parts = append(parts, f.Unexpected)
	}
	return strings.Join(parts, ", ")
}

// count books one message; false means that p is no payload.
func (w *Swarm) count(s *socket, p []byte, now int64) bool {
	m, ok := payload.Parse(p)
	if !ok {
		return false
	}
	st := &w.Stats
	next := &s.nextShared
	switch m.Kind {
	case payload.Probe:
		w.probed(s, m.Target)
		return true
	case payload.Own:
		if m.Target != s.index {
			w.Faults.Misrouted++
			return true
		}
		next = &s.nextOwn
	}
	if m.Seq != *next {
		if m.Seq > *next {
			w.Faults.Lost += uint64(m.Seq - *next)
		} else {
			w.Faults.Repeated++
		}
	}
	*next = m.Seq + 1
	st.Deliveries++
	st.Latency.Add(now - m.Time)
	return true
}
