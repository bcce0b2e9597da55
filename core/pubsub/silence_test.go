package pubsub

import (
	"testing"
	"time"
)

func TestSilence(t *testing.T) {
	t.Parallel()
	begin := time.Unix(1000, 0)
	for name, looks := range map[string][]struct {
		ms    int
		steps uint64
		want  verdict
	}{
		"a talking server": {{0, 1, silenceNone}, {500, 3, silenceNone}, {1500, 5, silenceNone}, {9000, 7, silenceNone}},
		"a slow handler":   {{0, 2, silenceNone}, {5000, 2, silenceNone}, {9000, 2, silenceNone}},
		"an answered ping": {{0, 1, silenceNone}, {500, 1, silenceNone}, {1000, 1, silenceNew}, {1500, 3, silenceNone}, {2000, 3, silenceNone}, {2500, 3, silenceNew}},
		"a dead server":    {{0, 1, silenceNone}, {1000, 1, silenceNew}, {1500, 1, silenceNone}, {2900, 1, silenceNone}, {3000, 1, silenceDead}},
	} {
		s := silence{ping: time.Second, pong: 2 * time.Second}
		for _, l := range looks {
			if got := s.look(begin.Add(time.Duration(l.ms)*time.Millisecond), l.steps); got != l.want {
				t.Errorf("%s: at %d ms: %d, want %d", name, l.ms, got, l.want)
			}
		}
	}
}
