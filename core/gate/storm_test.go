package gate

import (
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/wsgate/wsgate/core/proctest"
)

// reconnect is what a page of a dead login does: it returns the status of a refused
// handshake, or the code that an accepted one was closed with after its text.
func reconnect(url string) (status, code int) {
	c, res, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		if res == nil {
			return 0, 0
		}
		return res.StatusCode, 0
	}
	defer c.Close()                             //nolint:errcheck // a test
	c.SetReadDeadline(time.Now().Add(patience)) //nolint:errcheck // a test
	for {
		if _, text, err := c.ReadMessage(); err != nil {
			if ce, ok := errors.AsType[*websocket.CloseError](err); ok {
				return 0, ce.Code
			}
			return 0, 0
		} else if string(text) != "loginOut" {
			return 0, 0
		}
	}
}

// 2,000 reconnects of 200 dead logins cost the backend nothing and leave nothing behind.
// Not parallel, for it counts the process' goroutines.
func TestStormOfDeadReconnects(t *testing.T) {
	const logins = 200
	s := newStack(t)
	n := s.node()
	tokens := make([]string, logins)
	for i := range tokens {
		tokens[i] = s.backend.Login("bob")
		if !n.passes(tokens[i]) {
			t.Fatal("a newer login does not pass")
		}
	}
	live := n.socket(s.backend.Login("bob"))
	asked := s.backend.Calls("/getInfo")
	before := runtime.NumGoroutine()

	var told, other atomic.Int32
	most := 0
	var wg sync.WaitGroup
	work := make(chan string)
	for range 32 {
		wg.Go(func() {
			for tok := range work {
				if _, code := reconnect(n.srv.URL + "/ws?token=" + tok); code == 4501 {
					told.Add(1)
				} else {
					other.Add(1)
				}
			}
		})
	}
	begin := time.Now()
	for range returnsPerMinute {
		for _, tok := range tokens {
			work <- tok
			most = max(most, n.gate.hub.Count())
		}
	}
	close(work)
	wg.Wait()
	t.Logf("%d reconnects in %v, at most %d connections at once", told.Load(), time.Since(begin), most)
	if told.Load() != logins*returnsPerMinute || other.Load() != 0 {
		t.Errorf("%d were told, %d were not", told.Load(), other.Load())
	}
	if got := s.backend.Calls("/getInfo"); got != asked {
		t.Errorf("the backend was asked %d times about dead logins", got-asked)
	}
	for _, tok := range tokens[:10] {
		if status, _ := reconnect(n.srv.URL + "/ws?token=" + tok); status != http.StatusForbidden {
			t.Errorf("once more than %d a minute: status %d, want 403", returnsPerMinute, status)
		}
	}
	live.Send("ping")
	live.Expect("pong")
	proctest.Eventually(t, patience, func() bool {
		return n.gate.told.total.Load() == 0 && n.gate.seats.total.Load() == 1 && runtime.NumGoroutine() < before+10
	}, "nothing is left behind")
}

// A client that doesn't agree to its close holds one of a bounded number of places, for
// a second.
func TestToldSocketsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	n := s.node()
	n.gate.maxTold = 3
	old, fresh := displacedAt(n, n, "bob")
	for range n.gate.maxTold {
		c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(n.srv.URL, "http")+"/ws?token="+old, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close() //nolint:errcheck // a test
	}
	res := proctest.Refused(t, n.srv.URL+"/ws?token="+old)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %d %v", res.StatusCode, res.Header)
	}
	c := n.socket(fresh)
	c.Send("ping")
	c.Expect("pong")
	proctest.Eventually(t, patience, func() bool { return n.gate.told.total.Load() == 0 }, "their second is over")
	again := n.socket(old)
	again.Expect("loginOut")
	again.ExpectClose(4501)
}
