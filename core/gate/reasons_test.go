package gate

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

var deadVerdict = session.Verdict{
	Status: session.Dead, Account: "bob", Reason: session.ReasonDisplaced,
	By: session.Holder{SID: "x", IP: "203.0.x.x", Device: "pc"}, At: time.Unix(1767323045, 0),
}

// verdict is what the node knows of a token.
func (n *node) verdict(raw string) session.Verdict {
	n.t.Helper()
	tok, err := token.New(raw)
	if err != nil {
		n.t.Fatal(err)
	}
	sh := n.gate.shared.Load()
	v, err := sh.registry.Lookup(n.t.Context(), sh.key.Fingerprint(tok), "")
	if err != nil {
		n.t.Fatal(err)
	}
	return v
}

// A displaced page is told by whom, from where and when, on the socket that an event
// closes on another node, on the one that returns, and by HTTP.
func TestReasonsAreTold(t *testing.T) {
	t.Parallel()
	text := `{"type":"out","reason":"{reason}","by":"{by_device}","from":"{by_ip}","at":"{at}"}`
	kicked := "{reason} at {at}: {message}"
	s := newStack(t, func(c *Config) {
		c.Sockets[0].Messages = Messages{Displaced: &text, Kicked: &kicked}
		c.Guard.RejectDisplaced = &Reject{Status: 440, ContentType: "application/json", Body: text}
		c.Guard.RejectKicked = &Reject{Redirect: "/login?why={reason}&at={at}"}
	})
	a, b := s.node(), s.node()
	told := func(raw string) {
		t.Helper()
		var m struct{ Type, Reason, By, From, At string }
		if err := json.Unmarshal([]byte(raw), &m); err != nil {
			t.Fatalf("%q: %v", raw, err)
		}
		at, err := time.Parse(time.RFC3339, m.At)
		if err != nil || time.Since(at).Abs() > time.Minute || m.Type != "out" || m.Reason != "displaced" || m.By != "mobile" || m.From != "127.0.x.x" {
			t.Errorf("told %q", raw)
		}
	}
	old := s.backend.Login("bob")
	page := a.socket(old)
	fresh := s.backend.Login("bob")
	if _, body := b.get(fresh, "User-Agent", phone); !strings.HasPrefix(body, "hello ") {
		t.Fatalf("the newer login does not pass: %s", body)
	}
	told(page.Next())
	page.ExpectClose(4501)
	again := b.socket(old)
	told(again.Next())
	again.ExpectClose(4501)
	res, body := a.get(old)
	if res.StatusCode != 440 {
		t.Errorf("status %d", res.StatusCode)
	}
	told(body)

	live := a.socket(fresh)
	v := a.verdict(fresh)
	if _, err := b.gate.shared.Load().registry.Revoke(t.Context(), v.Account, session.All(), session.ReasonKicked); err != nil {
		t.Fatal(err)
	}
	if got := live.Next(); !strings.HasPrefix(got, "kicked at 20") || !strings.HasSuffix(got, ": this login was ended by an administrator, or from elsewhere by its owner") {
		t.Errorf("told %q", got)
	}
	live.ExpectClose(4503)
	res, _ = b.get(fresh)
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusFound || !strings.HasPrefix(to, "/login?why=kicked&at=20") || strings.Contains(to, ":") {
		t.Errorf("%d to %q", res.StatusCode, to)
	}
}
