package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
)

// minPing bounds Socket.Ping: a shorter interval only burns time.
const minPing = 10 * time.Millisecond

// Validate checks what a path of sockets or, with kind sse, of streams says by itself,
// but for its patterns. Its errors say what to write instead.
func (sc *Socket) Validate(kind string) error {
	switch {
	case !strings.HasPrefix(sc.Path, "/"):
		return fmt.Errorf("gate: %s %q: want a path that begins with a slash, such as /ws", kind, sc.Path)
	case strings.ContainsAny(sc.Path, "?#"):
		return fmt.Errorf("gate: %s %q: want a path alone, without a query", kind, sc.Path)
	case strings.Contains(sc.Path, "*"):
		return fmt.Errorf("gate: %s %q: a path is exact and takes no *: write one %s for each", kind, sc.Path, kind)
	case sc.Ping != 0 && time.Duration(sc.Ping) < minPing:
		return fmt.Errorf("gate: %s %s: ping %s is too short: want at least %s, such as 25s", kind, sc.Path, time.Duration(sc.Ping), minPing)
	case sc.Heartbeat != nil && sc.Heartbeat.Text == "" && sc.Heartbeat.Reply != "":
		return fmt.Errorf("gate: %s %s: heartbeat has a reply to nothing: name the text that clients send, or write `heartbeat \"\" \"\"` for none", kind, sc.Path)
	}
	return sc.Messages.Validate()
}

// heartbeat is the path's own, the preset's or the usual one.
func (sc *Socket) heartbeat(preset introspect.Preset) Heartbeat {
	switch {
	case sc.Heartbeat != nil:
		return *sc.Heartbeat
	case preset.Heartbeat.Text != "":
		return Heartbeat(preset.Heartbeat)
	}
	return Heartbeat{Text: "ping", Reply: "pong"}
}

// checkHeartbeat says which channel nobody could ask for, since the heartbeat is
// answered first.
func (sc *Socket) checkHeartbeat(beat Heartbeat) error {
	for i := range sc.Channels {
		if sc.Channels[i].Pattern == beat.Text {
			return fmt.Errorf("channel %s is the text of the heartbeat, which is answered and asks for nothing: choose another for one of them", beat.Text)
		}
	}
	return nil
}

// validateOff says what is never said where no login is ended by another.
func (c *Config) validateOff() error {
	if c.Login.On() {
		return nil
	}
	const instead = "login off ends no login: remove %s, or write login newest"
	if c.Guard.Reject != nil || c.Guard.RejectDisplaced != nil || c.Guard.RejectKicked != nil {
		return fmt.Errorf("gate: guard reject: "+instead, "reject")
	}
	for _, list := range [][]Socket{c.Sockets, c.SSE} {
		for i := range list {
			if m := &list[i].Messages; m.Displaced != nil || m.Kicked != nil {
				return fmt.Errorf("gate: %s: "+instead, list[i].Path, "message displaced and message kicked")
			}
		}
	}
	return nil
}

// ValidatePass checks one of Guard.Pass, of an option, what. Its errors say what to
// write instead.
func ValidatePass(rt session.Route, what string) error {
	if dir, ok := below(rt.Path); ok {
		rt.Path = dir
	}
	if strings.Contains(rt.Path, "*") {
		return fmt.Errorf("gate: %s %s: %q: a path is exact, or ends in /* for all that lies below it", what, rt.Method, rt.Path)
	}
	return rt.Validate(what)
}

// validatePass checks the requests that are never judged.
func (g *Guard) validatePass() error {
	seen := map[session.Route]bool{}
	for _, rt := range g.Pass {
		if err := ValidatePass(rt, "guard pass"); err != nil {
			return err
		}
		if seen[rt] {
			return fmt.Errorf("gate: guard pass %s %s stands twice: write it once", rt.Method, rt.Path)
		}
		seen[rt] = true
	}
	return nil
}
