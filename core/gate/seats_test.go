package gate

import (
	"errors"
	"sync"
	"testing"

	"github.com/wsgate/wsgate/core/token"
)

func TestSeats(t *testing.T) {
	t.Parallel()
	s := newSeats()
	a, err := s.take(3, 2, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.take(3, 2, "192.0.2.1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.take(3, 2, "192.0.2.1"); !errors.Is(err, errIPFull) {
		t.Errorf("third socket of an address: %v", err)
	}
	if _, err := s.take(3, 2, "192.0.2.2"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.take(3, 2, "192.0.2.3"); !errors.Is(err, errGateFull) {
		t.Errorf("fourth socket of the node: %v", err)
	}
	a.release()
	a.release()
	a.give()
	if n := s.total.Load(); n != 2 {
		t.Errorf("total = %d after one socket of three left, want 2", n)
	}
}

func TestSeatsOfALogin(t *testing.T) {
	t.Parallel()
	s := newSeats()
	id := token.Fingerprint{1}
	a, _ := s.take(0, 0, "192.0.2.1")
	b, _ := s.take(0, 0, "192.0.2.1")
	if !a.takeLogin(id, 1) {
		t.Fatal("the first socket was refused")
	}
	if b.takeLogin(id, 1) {
		t.Error("the second socket passed a limit of one")
	}
	a.handOver()
	a.release() // the socket's now
	if b.takeLogin(id, 1) {
		t.Error("a seat that was handed over was freed by its handler")
	}
	a.give()
	if !b.takeLogin(id, 1) {
		t.Error("a freed seat can't be taken")
	}
	b.give()
	if len(s.byLogin) != 0 || len(s.byIP) != 0 {
		t.Errorf("left behind: %v %v", s.byLogin, s.byIP)
	}
}

func TestSeatsRace(t *testing.T) {
	t.Parallel()
	s := newSeats()
	const limit = 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 100 {
		wg.Go(func() {
			if _, err := s.take(0, limit, "2001:db8::1"); err == nil {
				mu.Lock()
				taken++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if taken != limit {
		t.Errorf("%d sockets passed a limit of %d", taken, limit)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b string }{
		{"2001:db8::1", "2001:db8::ffff"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"fe80::1%eth0", "fe80::2"},
		{"", "@"},
	} {
		if network(c.a) != network(c.b) {
			t.Errorf("%q and %q are counted apart", c.a, c.b)
		}
	}
	if network("192.0.2.1") == network("192.0.2.2") || network("2001:db8:0:1::1") == network("2001:db8:0:2::1") {
		t.Error("two networks are counted as one")
	}
}
