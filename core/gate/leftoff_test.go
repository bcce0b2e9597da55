package gate

import (
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
	hist "github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/token"
)

// behind starts a node that reaches Redis through a proxy of its own.
func (s *stack) behind() (*node, *proctest.TCPProxy) {
	s.t.Helper()
	link := proctest.Proxy(s.t, s.redis.Addr())
	was := s.cfg.Redis.URLs
	s.cfg.Redis.URLs = []string{"redis://" + link.Addr()}
	defer func() { s.cfg.Redis.URLs = was }()
	return s.node(), link
}

// noted waits until Redis keeps that a node is there.
func (n *node) noted() {
	n.t.Helper()
	proctest.Eventually(n.t, patience, func() bool {
		key := n.redis.CLI("KEYS", "wsgate:*:peers:kept")
		return key != "" && n.redis.CLI("ZSCORE", key, n.handle()) != ""
	}, "the node is noted")
}

// A node that comes when the only one has crashed tells of what that one knew.
func TestNodeAfterACrashTellsOfAGap(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	first, link := s.behind()
	first.noted() // before the first socket comes
	token := s.backend.Login("alice")
	a := first.socket(token)
	a.Send("data_imei:7")
	first.settled("data_imei:7")
	s.publish("data_imei:7", "1")
	a.Expect("1")
	link.Refuse() // nothing comes from it any more
	a.Close()
	s.publish("data_imei:7", "lost")
	b := s.node().socket(token)
	b.Send("data_imei:7")
	b.Expect("gap")
}

// Redis has lost its memory, and a new node reaches it before the old one is back: what
// the old one knows is told of then.
func TestNodeThatComesBackLateIsToldOf(t *testing.T) {
	t.Parallel()
	s := newStack(t, historyOf)
	first, link := s.behind()
	first.noted()
	noted := time.Now()
	token := s.backend.Login("alice")
	a := first.socket(token)
	a.Send("data_imei:7")
	first.settled("data_imei:7")
	proctest.Eventually(t, patience, func() bool { return time.Since(noted) > 500*time.Millisecond }, "it is older than any message is on its way")
	link.Refuse()
	s.redis.CLI("FLUSHALL")
	a.Close()
	s.publish("data_imei:7", "lost")
	second := s.node()
	second.noted()
	b := second.socket(token)
	b.Send("data_imei:7")
	second.settled("data_imei:7")
	s.publish("data_imei:7", "2")
	b.Expect("2") // nobody knows better
	link.Go()
	b.Expect("gap")
}

// A Redis that hangs keeps no socket waiting for long, and its channel is told of a gap.
func TestLeftOffDoesNotWaitForRedis(t *testing.T) {
	t.Parallel()
	s := newStack(t, func(*Config) {}) // without resume the node is not noted before
	n := s.node()
	s.redis.Pause()
	defer s.redis.Resume()
	began := time.Now()
	at, ok := n.gate.leftOff(t.Context(), token.Fingerprint{1}, "data_imei:7", time.Minute)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v, want %v", took, leftOffWait)
	}
	if !ok || at != (hist.Position{}) {
		t.Errorf("it was left at %v, %v; want no position, for a gap", at, ok)
	}
}
