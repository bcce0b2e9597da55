package introspect

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wsgate/wsgate/core/conf"
)

// Half of the places are kept for known accounts.
func TestReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 8
		var under atomic.Int64
		release := make(chan struct{})
		c := timedClient(t, Config{MaxInFlight: most, Timeout: conf.Duration(time.Hour)}, func(r *http.Request) (int, string, error) {
			under.Add(1)
			defer under.Add(-1)
			<-release
			return 200, `{"id":1}`, nil
		})
		var wg sync.WaitGroup
		ask := func(n int, known bool, name string) {
			for i := range n {
				wg.Go(func() {
					q := query(t, fmt.Sprintf("%s%d", name, i))
					q.Known = known
					if a := c.Identify(t.Context(), q); a.Outcome != Active {
						t.Errorf("%v", a.Err)
					}
				})
			}
			synctest.Wait()
		}
		ask(50, false, "unknown")
		if n := under.Load(); n != most/2 {
			t.Errorf("%d calls for unknown tokens", n)
		}
		ask(50, true, "known")
		if n := under.Load(); n != most {
			t.Errorf("%d calls in all", n)
		}
		close(release)
		wg.Wait()
	})
}

func TestWaitingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := timedClient(t, Config{MaxInFlight: 2}, func(r *http.Request) (int, string, error) {
			<-r.Context().Done()
			return 0, "", r.Context().Err()
		})
		var overloaded, late atomic.Int64
		var wg sync.WaitGroup
		for i := range maxWaiting + 100 {
			wg.Go(func() {
				start := time.Now()
				a := c.Identify(t.Context(), query(t, fmt.Sprintf("t%d", i)))
				if errors.Is(a.Err, ErrOverloaded) {
					overloaded.Add(1)
				}
				if time.Since(start) > DefaultTimeout {
					late.Add(1)
				}
			})
		}
		wg.Wait()
		if n := overloaded.Load(); n != 99 { // one of them has a place
			t.Errorf("%d were turned away", n)
		}
		if n := late.Load(); n != 0 {
			t.Errorf("%d waited past the timeout", n)
		}
	})
}

// A flood of invented tokens evicts nobody.
func TestFloodEvictsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := timedClient(t, Config{NegativeTTL: duration(time.Hour), CacheTTL: duration(time.Hour)}, func(r *http.Request) (int, string, error) {
			if strings.HasPrefix(r.Header.Get("Authorization"), "Bearer good") {
				return 200, `{"id":1}`, nil
			}
			return 401, `{}`, nil
		})
		for i := range 100 {
			c.Identify(t.Context(), query(t, fmt.Sprintf("good%d", i)))
		}
		for i := range maxInactive + 1000 {
			c.Identify(t.Context(), query(t, fmt.Sprintf("bad%d", i)))
		}
		for i := range 100 {
			if _, ok := c.Cached(query(t, fmt.Sprintf("good%d", i))); !ok {
				t.Fatalf("good%d was evicted", i)
			}
		}
		if n := c.inactive.lru.Len(); n != maxInactive {
			t.Errorf("%d inactive answers are kept", n)
		}
	})
}
