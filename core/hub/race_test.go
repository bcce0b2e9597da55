package hub

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/wire"
)

// Everything at once on real connections; the race detector watches, and in the
// end nothing is left.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	h := newHub(t, Options{})
	stop := make(chan struct{})
	var background, sockets sync.WaitGroup
	for range 2 {
		background.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				h.Broadcast(fmt.Sprint(i%5), []byte("x"))
				if i%3 == 0 {
					h.Flush()
				}
			}
		})
	}
	background.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			h.CloseLogin(login(byte(i%20)), func(s *Socket) { s.Close(wire.CloseDisplaced, "", wire.TextFrame("loginOut")) })
			for range h.Logins() {
				h.Stats()
			}
			h.tick(time.Now())
		}
	})
	for w := range 4 {
		sockets.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(w)))
			for range 60 {
				sc, c := tcpPair(t, rnd.IntN(2) == 0)
				s := h.Attach(sc, Meta{Login: login(byte(rnd.IntN(40))), Expires: time.Now().Add(time.Duration(rnd.IntN(100)) * time.Millisecond)})
				c.reads(s)
				for range rnd.IntN(10) {
					ch := fmt.Sprint(rnd.IntN(5))
					h.Subscribe(s, ch, text(fmt.Sprint(rnd.IntN(2))))
					s.Send(wire.TextFrame("hello"))
					if rnd.IntN(3) == 0 {
						h.Unsubscribe(s, ch, text(fmt.Sprint(rnd.IntN(2))))
					}
				}
				switch rnd.IntN(3) {
				case 0:
					c.Close()
				case 1:
					s.Detach()
				default:
					s.Close(wire.CloseRestarting, "")
					c.Close()
				}
			}
		})
	}
	sockets.Wait()
	close(stop)
	background.Wait()
	eventually(t, "every connection has ended", func() bool { return h.Count() == 0 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.channels) != 0 || len(h.logins) != 0 || len(h.closing) != 0 || len(h.wheel.all(nil)) != 0 {
		t.Errorf("left behind: %d channels, %d logins, %d closing", len(h.channels), len(h.logins), len(h.closing))
	}
}
