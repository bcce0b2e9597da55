package gate

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/wsgate/wsgate/core/token"
)

var (
	errGateFull  = errors.New("this node has no room for more sockets")
	errIPFull    = errors.New("too many sockets from this address")
	errLoginFull = errors.New("too many sockets of this login")
)

// seats counts sockets against the limits. A seat is taken before the
// handshake and given back when the socket has ended, so that two racing
// connects can't both pass a limit. It is safe for concurrent use.
type seats struct {
	total atomic.Int64

	mu      sync.Mutex
	byIP    map[netip.Prefix]int
	byLogin map[token.Fingerprint]int
}

func newSeats() *seats {
	return &seats{byIP: map[netip.Prefix]int{}, byLogin: map[token.Fingerprint]int{}}
}

// seat is one socket's. It is used by one goroutine at a time.
type seat struct {
	of    *seats
	ip    string
	login *token.Fingerprint // nil: not counted for it

	byIP, handed, given bool
}

// take reserves room for one socket of an address. A limit of 0 is none: then
// the address is not even counted.
func (s *seats) take(total, perIP int, ip string) (*seat, error) {
	if n := s.total.Add(1); total > 0 && n > int64(total) {
		s.total.Add(-1)
		return nil, errGateFull
	}
	st := &seat{of: s, ip: ip}
	if perIP <= 0 {
		return st, nil
	}
	from := network(ip)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byIP[from] >= perIP {
		s.total.Add(-1)
		return nil, errIPFull
	}
	s.byIP[from]++
	st.byIP = true
	return st, nil
}

// takeLogin counts the seat for a login and says whether there was room.
func (st *seat) takeLogin(id token.Fingerprint, limit int) bool {
	if limit <= 0 {
		return true
	}
	s := st.of
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byLogin[id] >= limit {
		return false
	}
	s.byLogin[id]++
	st.login = &id
	return true
}

// handOver makes the seat the socket's: from here on only give frees it.
func (st *seat) handOver() { st.handed = true }

// release frees a seat that no socket took over.
func (st *seat) release() {
	if !st.handed {
		st.give()
	}
}

// give frees the seat. Further calls do nothing.
func (st *seat) give() {
	if st.given {
		return
	}
	st.given = true
	s := st.of
	s.total.Add(-1)
	if !st.byIP && st.login == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.byIP {
		drop(s.byIP, network(st.ip))
	}
	if st.login != nil {
		drop(s.byLogin, *st.login)
	}
}

func drop[K comparable](m map[K]int, k K) {
	if m[k] <= 1 {
		delete(m, k)
		return
	}
	m[k]--
}
