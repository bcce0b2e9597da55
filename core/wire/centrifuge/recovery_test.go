package centrifuge

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/centrifugal/protocol"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/hub"
	"github.com/wsgate/wsgate/core/pubsub/history"
)

func keeping(t *testing.T) Options {
	t.Helper()
	r, err := channel.Compile(nil, []channel.Config{
		{Pattern: "h:{id}", History: &channel.History{Messages: 3, For: conf.Duration(time.Hour)}},
		{Pattern: "last:{id}", Last: true},
		{Pattern: "c:{id}"},
		{Pattern: "bare:{id}", Redis: "h:{id}"},
	}, "wsgate:", channel.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Rules: r}
}

// subscribe yields the result of a subscribe command with more members, such as
// `"recover":true`.
func (p *page) subscribe(name, more string) *protocol.SubscribeResult {
	p.t.Helper()
	p.send(fmt.Sprintf(`{"id":9,"subscribe":{"channel":%q%s}}`, name, more))
	got := p.next()
	var r protocol.Reply
	if err := json.Unmarshal([]byte(got), &r); err != nil || r.Subscribe == nil {
		p.t.Fatalf("got %s, %v", got, err)
	}
	return r.Subscribe
}

func (p *page) unsubscribe(name string) {
	p.t.Helper()
	p.send(fmt.Sprintf(`{"id":8,"unsubscribe":{"channel":%q}}`, name))
	p.expect(`{"id":8,"unsubscribe":{}}`)
}

func texts(pubs []*protocol.Publication) string {
	var b strings.Builder
	for _, p := range pubs {
		fmt.Fprintf(&b, "%d=%s ", p.Offset, p.Data)
	}
	return b.String()
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	p := connected(t, keeping(t))
	r := p.subscribe("h:1", "")
	if r.Epoch == "" || r.Offset != 0 || !r.Recoverable || !r.Positioned || r.WasRecovering || r.Recovered {
		t.Fatalf("%v", r)
	}
	p.publish("h:1", `"a"`)
	p.expect(`{"push":{"channel":"h:1","pub":{"data":"a","offset":1}}}`)
	p.unsubscribe("h:1")
	p.publish("h:1", "b")
	p.publish("h:1", `{"c":3}`)
	at := fmt.Sprintf(`,"recover":true,"epoch":%q,"offset":`, r.Epoch)
	again := p.subscribe("h:1", at+"1")
	if got := texts(again.Publications); got != `2="b" 3={"c":3} ` || !again.Recovered || !again.WasRecovering || again.Offset != 3 || again.Epoch != r.Epoch {
		t.Errorf("%s: %v", got, again)
	}
	p.publish("h:1", "d")
	p.expect(`{"push":{"channel":"h:1","pub":{"data":"d","offset":4}}}`)
	for more, recovered := range map[string]bool{
		at + "1": true, at + "0": false, at + "4": true, at + "5": false,
		`,"recover":true,"epoch":"other","offset":4`: false, `,"recover":true`: false,
	} {
		p.unsubscribe("h:1")
		r := p.subscribe("h:1", more)
		if r.Recovered != recovered || !r.WasRecovering || r.Offset != 4 || !recovered && len(r.Publications) > 0 {
			t.Errorf("%s: %v", more, r)
		}
	}
	p.unsubscribe("h:1")
	p.send(`{"id":7,"subscribe":{"channel":"h:1","recover":true,"epoch":"other","flag":2}}`)
	p.expect(`{"id":7,"error":{"code":112,"message":"unrecoverable position"}}`)
	p.publish("h:1", "nobody's")
	// A gap begins a new epoch.
	r = p.subscribe("h:1", "")
	p.h.Gap([]string{"h:1"})
	p.h.Flush()
	p.expect(`{"push":{"channel":"h:1","unsubscribe":{"code":2500,"reason":"insufficient state"}}}`)
	if r := p.subscribe("h:1", fmt.Sprintf(`,"recover":true,"epoch":%q,"offset":%d`, r.Epoch, r.Offset)); r.Recovered || !r.WasRecovering {
		t.Errorf("%v", r)
	}
}

func TestLast(t *testing.T) {
	t.Parallel()
	p := connected(t, keeping(t))
	p.subscribe("last:1", "")
	p.publish("last:1", "a")
	p.expect(`{"push":{"channel":"last:1","pub":{"data":"a","offset":1}}}`)
	p.unsubscribe("last:1")
	if r := p.subscribe("last:1", ""); texts(r.Publications) != `1="a" ` || r.Recovered {
		t.Errorf("%v", r)
	}
}

// A rule without a history has none of the Redis channel that it leads to either, though
// another rule keeps one.
func TestNoHistoryOfAnothersRule(t *testing.T) {
	t.Parallel()
	p := connected(t, keeping(t))
	kept := p.subscribe("h:1", "")
	p.publish("h:1", "past")
	p.next()
	for _, more := range []string{"", fmt.Sprintf(`,"recover":true,"epoch":%q,"offset":0`, kept.Epoch)} {
		r := p.subscribe("bare:1", more)
		if r.Epoch != "" || r.Offset != 0 || r.Recoverable || r.Positioned || r.Recovered || len(r.Publications) > 0 {
			t.Errorf("%s: %v", more, r)
		}
		p.send(`{"id":2,"history":{"channel":"bare:1","limit":-1}}`)
		p.expect(`{"id":2,"error":{"code":108,"message":"not available"}}`)
		p.publish("h:1", "x")
		got := map[string]bool{p.next(): true, p.next(): true}
		if !got[`{"push":{"channel":"bare:1","pub":{"data":"x"}}}`] {
			t.Errorf("%s: got %v", more, got)
		}
		p.unsubscribe("bare:1")
	}
	p.send(fmt.Sprintf(`{"id":7,"subscribe":{"channel":"bare:1","recover":true,"epoch":%q,"flag":2}}`, kept.Epoch))
	p.expect(`{"id":7,"error":{"code":112,"message":"unrecoverable position"}}`)
}

func TestHistory(t *testing.T) {
	t.Parallel()
	p := connected(t, keeping(t))
	r := p.subscribe("h:1", "")
	p.subscribe("c:1", "")
	for i := range 4 {
		p.publish("h:1", fmt.Sprint(i+1))
		p.next()
	}
	at := fmt.Sprintf(`"epoch":%q,"offset":4}}`, r.Epoch)
	pubs := func(all string) string { return `{"id":2,"history":{"publications":[` + all + `],` + at }
	for _, c := range []struct{ ask, want string }{
		{`"limit":-1`, pubs(`{"data":2,"offset":2},{"data":3,"offset":3},{"data":4,"offset":4}`)},
		{`"limit":2`, pubs(`{"data":2,"offset":2},{"data":3,"offset":3}`)},
		{`"limit":2,"reverse":true`, pubs(`{"data":4,"offset":4},{"data":3,"offset":3}`)},
		{`"limit":0`, pubs("")},
		{fmt.Sprintf(`"limit":5,"since":{"epoch":%q,"offset":3}`, r.Epoch), pubs(`{"data":4,"offset":4}`)},
		{`"limit":5,"since":{"epoch":"other","offset":3}`, `{"id":2,"error":{"code":112,"message":"unrecoverable position"}}`},
		{fmt.Sprintf(`"limit":5,"since":{"epoch":%q}`, r.Epoch), `{"id":2,"error":{"code":112,"message":"unrecoverable position"}}`},
		{`"reverse":true,"since":{"offset":3}`, `{"id":2,"error":{"code":108,"message":"not available"}}`},
	} {
		p.send(`{"id":2,"history":{"channel":"h:1",` + c.ask + `}}`)
		p.expect(c.want)
	}
	for name, want := range map[string]string{
		"c:1": `{"id":3,"error":{"code":108,"message":"not available"}}`,
		"h:2": `{"id":3,"error":{"code":103,"message":"permission denied"}}`,
		"x":   `{"id":3,"error":{"code":102,"message":"unknown channel"}}`,
	} {
		p.send(fmt.Sprintf(`{"id":3,"history":{"channel":%q,"limit":1}}`, name))
		p.expect(want)
	}
}

// Joined channels are the protocol's server-side subscriptions: they begin with the
// connect result, recover there, and go on after a gap.
func TestJoins(t *testing.T) {
	t.Parallel()
	o := keeping(t)
	joins, err := channel.CompileJoins([]string{"h:{user}", "site", "last:{user}"}, "wsgate:", o.Rules)
	if err != nil {
		t.Fatal(err)
	}
	o.Joins, o.Channels = joins, 1
	p := open(t, o)
	keep := history.Keep{Messages: 3, For: time.Hour}
	other := p.h.Attach(nobody{}, hub.Meta{})
	for _, name := range []string{"h:7", "last:7", "site"} {
		p.h.SubscribeFrom(other, name, Encoder{Channel: name}, hub.From{Keep: keep}, nil)
		p.publish(name, "before")
	}
	_, at, _ := p.h.Past("h:7", history.Position{}, 0, false)
	p.send(fmt.Sprintf(`{"id":1,"connect":{"subs":{"h:7":{"recover":true,"epoch":%q},"else":{"recover":true}}}}`, at.Epoch))
	var r protocol.Reply
	got := p.next()
	if err := json.Unmarshal([]byte(got), &r); err != nil || len(r.Connect.GetSubs()) != 3 {
		t.Fatalf("%s, %v", got, err)
	}
	if h := r.Connect.Subs["h:7"]; !h.Recovered || texts(h.Publications) != `1="before" ` || h.Offset != 1 || h.Epoch != at.Epoch {
		t.Errorf("%s", got)
	}
	if l := r.Connect.Subs["last:7"]; texts(l.Publications) != `1="before" ` || !l.Recoverable {
		t.Errorf("%s", got)
	}
	if s := r.Connect.Subs["site"]; s.Epoch != "" || s.Recoverable || len(s.Publications) > 0 { // only another keeps it
		t.Errorf("%s", got)
	}
	p.publish("site", "x")
	p.expect(`{"push":{"channel":"site","pub":{"data":"x"}}}`)
	for _, c := range []struct{ send, want string }{
		{`{"id":2,"subscribe":{"channel":"h:7"}}`, `{"id":2,"error":{"code":105,"message":"already subscribed"}}`},
		{`{"id":3,"unsubscribe":{"channel":"h:7"}}`, `{"id":3,"unsubscribe":{}}`},
		{`{"id":4,"subscribe":{"channel":"c:1"}}`, `{"id":4,"subscribe":{}}`},
		{`{"id":5,"subscribe":{"channel":"c:2"}}`, `{"id":5,"error":{"code":106,"message":"limit exceeded"}}`},
	} {
		p.send(c.send)
		p.expect(c.want)
	}
	p.h.Gap([]string{"h:7"})
	p.publish("h:7", "after")
	_, at, _ = p.h.Past("h:7", history.Position{}, 0, false)
	p.expect(`{"push":{"channel":"h:7","unsubscribe":{"code":2500,"reason":"insufficient state"}}}`+"\n"+
		fmt.Sprintf(`{"push":{"channel":"h:7","subscribe":{"recoverable":true,"epoch":%q,"positioned":true}}}`, at.Epoch),
		`{"push":{"channel":"h:7","pub":{"data":"after","offset":1}}}`)
}

// nobody is a connection that nobody reads.
type nobody struct{ net.Conn }

func (nobody) Write(p []byte) (int, error) { return len(p), nil }
func (nobody) Close() error                { return nil }
