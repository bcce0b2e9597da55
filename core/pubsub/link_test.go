package pubsub_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub"
	"github.com/wsgate/wsgate/core/redisconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record is a Handler that remembers everything in order.
type record struct {
	mu     sync.Mutex
	events []string
	flushs int
	ups    chan struct{}
	downs  chan error
}

func newRecord() *record {
	return &record{ups: make(chan struct{}, 100), downs: make(chan error, 100)}
}

func (r *record) add(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *record) handler() pubsub.Handler {
	return pubsub.Handler{
		Message: func(channel string, payload []byte) { r.add("%s=%s", channel, payload) },
		Flush:   func() { r.mu.Lock(); r.flushs++; r.mu.Unlock() },
		Gap:     func(channels []string) { r.add("gap %s", strings.Join(channels, " ")) },
		Up:      func() { r.add("up"); r.ups <- struct{}{} },
		Down:    func(err error) { r.add("down"); r.downs <- err },
	}
}

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

func (r *record) has(event string) func() bool {
	return func() bool { return slices.Contains(r.all(), event) }
}

func (r *record) count(event string) (n int) {
	for _, e := range r.all() {
		if e == event {
			n++
		}
	}
	return n
}

func (r *record) flushes() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flushs
}

func open(tb testing.TB, url string) func(pubsub.DialWrap) *redis.Client {
	return func(wrap pubsub.DialWrap) *redis.Client {
		c, err := redisconn.OpenLink(redisconn.Config{URLs: []string{url}}, nil, redisconn.Options{ClientName: "link", WrapDial: wrap})
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
}

func link(tb testing.TB, s *proctest.RedisServer, r *record, o pubsub.Options) *pubsub.Link {
	tb.Helper()
	l := pubsub.New(open(tb, s.URL()), r.handler(), o)
	tb.Cleanup(l.Close)
	await(tb, r.ups, "up")
	return l
}

func await[T any](tb testing.TB, c <-chan T, what string) T {
	tb.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		tb.Fatalf("not %s within 20 s", what)
		panic("unreachable")
	}
}

// subscribed waits until the server has this many channels.
func subscribed(tb testing.TB, s *proctest.RedisServer, n int) {
	tb.Helper()
	want := fmt.Sprintf("pubsub_channels:%d\r\n", n)
	proctest.Eventually(tb, 10*time.Second, func() bool {
		return strings.Contains(s.CLI("INFO", "stats"), want)
	}, "the server has "+strings.TrimSpace(want))
}

func client(tb testing.TB, s *proctest.RedisServer) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), Protocol: 2, DisableIdentity: true})
	tb.Cleanup(func() { _ = c.Close() })
	return c
}

func TestMessagesArriveInOrderOverManyChannels(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{})
	const channels, messages = 300, 5000
	for i := range channels {
		l.Subscribe(fmt.Sprintf("c%d", i))
	}
	subscribed(t, s, channels)
	pipe := client(t, s).Pipeline()
	var want []string
	for i := range messages {
		name := fmt.Sprintf("c%d", i*7%channels)
		pipe.Publish(t.Context(), name, i)
		want = append(want, fmt.Sprintf("%s=%d", name, i))
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	proctest.Eventually(t, 10*time.Second, r.has(want[messages-1]), "the last message arrives")
	if got := r.all()[1:]; !slices.Equal(got, want) {
		t.Fatalf("%d messages, not in the order of publishing", len(got))
	}
	if n := r.flushes(); n == 0 || n > messages/4 {
		t.Errorf("%d flushes for %d messages of one pipeline", n, messages)
	}
	t.Logf("%d messages, %d flushes", messages, r.flushes())
}

func TestPayloadsArriveByteForByte(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{MaxPayload: 200_000})
	name := "odd \r\n$5 名 \x00\xff"
	l.Subscribe(name)
	subscribed(t, s, 1)
	var want []string
	for _, payload := range []string{
		"", "\r\n", "*3\r\n$7\r\nmessage\r\n", "\xff\x00", strings.Repeat("x", 65_000),
		strings.Repeat("y", 199_999), strings.Repeat("z", 200_000), "last",
	} {
		s.CLI("PUBLISH", name, payload)
		want = append(want, name+"="+payload)
	}
	proctest.Eventually(t, 10*time.Second, r.has(want[len(want)-1]), "the last message arrives")
	if got := r.all()[1:]; !slices.Equal(got, want) {
		t.Fatalf("got %.300q", got)
	}
}

func TestOversizeMessageIsAGap(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{MaxPayload: 1000})
	l.Subscribe("a")
	subscribed(t, s, 1)
	for _, payload := range []string{"1", strings.Repeat("x", 1001), strings.Repeat("x", 500_000), "2"} {
		s.CLI("PUBLISH", "a", payload)
	}
	proctest.Eventually(t, 10*time.Second, r.has("a=2"), "the message behind arrives")
	if r.count("gap a") == 0 || r.count("a=1") != 1 {
		t.Fatalf("got %q", r.all())
	}
}

// calls is how often the server has run a command.
func calls(s *proctest.RedisServer, command string) (n int) {
	for line := range strings.Lines(s.CLI("INFO", "commandstats")) {
		_, _ = fmt.Sscanf(line, "cmdstat_"+command+":calls=%d", &n)
	}
	return n
}

func TestStormOfSubscribesIsBatched(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{Linger: -1})
	const n = 5000
	var wg sync.WaitGroup
	for g := range 10 {
		wg.Go(func() {
			for i := range n / 10 {
				l.Subscribe(fmt.Sprintf("c%d", g*n/10+i))
			}
		})
	}
	wg.Wait()
	subscribed(t, s, n)
	if c := calls(s, "subscribe"); c > n/4 {
		t.Errorf("%d SUBSCRIBE commands for %d channels", c, n)
	}
	t.Logf("%d SUBSCRIBE commands for %d channels", calls(s, "subscribe"), n)

	s.CLI("CLIENT", "KILL", "TYPE", "pubsub")
	before := calls(s, "subscribe")
	await(t, r.ups, "up again")
	subscribed(t, s, n)
	if c := calls(s, "subscribe") - before; c > n/512+1 {
		t.Errorf("%d SUBSCRIBE commands to subscribe again", c)
	}
	for i := range n {
		l.Unsubscribe(fmt.Sprintf("c%d", i))
	}
	subscribed(t, s, 0)
}

func TestLinger(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	r := newRecord()
	l := link(t, s, r, pubsub.Options{Linger: 300 * time.Millisecond})
	l.Subscribe("a")
	l.Subscribe("b")
	subscribed(t, s, 2)
	l.Unsubscribe("a")
	l.Unsubscribe("b")
	l.Subscribe("a")
	subscribed(t, s, 1)
	if got := s.CLI("PUBSUB", "CHANNELS"); got != "a" {
		t.Fatalf("left are %q, want a", got)
	}
	if c := calls(s, "subscribe"); c > 2 {
		t.Errorf("%d SUBSCRIBE commands: coming back within the linger cost one", c)
	}
	s.CLI("PUBLISH", "a", "1")
	proctest.Eventually(t, 5*time.Second, r.has("a=1"), "a channel that came back delivers")
	l.Unsubscribe("a")
	l.Unsubscribe("a")
	l.Unsubscribe("never")
	subscribed(t, s, 0)
}

func TestForbiddenChannelHarmsNoOther(t *testing.T) {
	t.Parallel()
	s := proctest.Redis(t)
	s.CLI("ACL", "SETUSER", "default", "resetchannels", "&ok*")
	r := newRecord()
	l := link(t, s, r, pubsub.Options{})
	for i := range 10 {
		l.Subscribe(fmt.Sprintf("ok%d", i))
		l.Subscribe(fmt.Sprintf("bad%d", i))
	}
	subscribed(t, s, 10)
	s.CLI("PUBLISH", "ok7", "1")
	proctest.Eventually(t, 5*time.Second, r.has("ok7=1"), "an allowed channel delivers")
	if len(r.downs) > 0 {
		t.Fatal("a forbidden channel broke the link")
	}
}
