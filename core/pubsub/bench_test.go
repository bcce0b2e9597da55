package pubsub_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub"
)

// BenchmarkLink measures messages of 128 bytes from Redis to the handler; publisher and
// Redis share the machine.
func BenchmarkLink(b *testing.B) {
	for _, channels := range []int{1, 1000} {
		b.Run(fmt.Sprintf("channels=%d", channels), func(b *testing.B) {
			s := proctest.Redis(b, "--client-output-buffer-limit", "pubsub", "0", "0", "0")
			var got, flushes atomic.Int64
			up := make(chan struct{}, 1)
			done := make(chan struct{}, 1)
			l := pubsub.New(open(b, s.URL()), pubsub.Handler{
				Message: func(string, []byte) { got.Add(1) },
				Flush: func() {
					flushes.Add(1)
					if got.Load() >= int64(b.N) {
						select {
						case done <- struct{}{}:
						default:
						}
					}
				},
				Up: func() { up <- struct{}{} },
			}, pubsub.Options{})
			b.Cleanup(l.Close)
			<-up
			for i := range channels {
				l.Subscribe(fmt.Sprintf("bench:%d", i))
			}
			subscribed(b, s, channels)
			c := client(b, s)
			payload := strings.Repeat("x", 128)
			b.ReportAllocs()
			b.ResetTimer()
			for sent := 0; sent < b.N; {
				pipe := c.Pipeline()
				for range min(1000, b.N-sent) {
					pipe.Publish(b.Context(), fmt.Sprintf("bench:%d", sent%channels), payload)
					sent++
				}
				if _, err := pipe.Exec(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			select {
			case <-done:
			case <-time.After(30 * time.Second):
				b.Fatalf("%d of %d messages", got.Load(), b.N)
			}
			b.StopTimer()
			b.ReportMetric(float64(got.Load())/max(1, float64(flushes.Load())), "msgs/flush")
		})
	}
}
