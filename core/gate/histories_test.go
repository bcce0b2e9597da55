package gate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/session"
)

// history runs random steps of one account on three gates, with real requests and
// sockets, and knows who must be live.
type history struct {
	rt     *rapid.T
	nodes  []*node
	name   string
	limit  int
	oldest bool
	cut    *time.Time // when links were last cut, in any history
	logins []*pastLogin
	pages  []*tab
	sent   int
}

// pastLogin is one login of the account.
type pastLogin struct {
	token   string
	code    int // by which its sockets are closed; 0 while it is live, 4505 while it waits
	returns int
}

// tab is an open socket.
type tab struct {
	of   *pastLogin
	conn *websocket.Conn
	done chan struct{}

	mu   sync.Mutex
	got  []string
	code int // of its close; 0 while it is open
}

// TestInvariant01To09HistoriesAtTheGate: 1 and 2 (who is displaced is refused and closed, on every
// node), 3 (no more than the limit), 5 (and stays out), 7 (a closing socket or a logout
// harms nobody else), 9 (told once, and nothing after it), step by step.
func TestInvariant01To09HistoriesAtTheGate(t *testing.T) {
	t.Parallel()
	type site struct {
		policy string
		limit  int
		nodes  []*node
	}
	sites := []*site{{policy: session.PolicyNewest, limit: 1}, {policy: session.PolicyNewest, limit: 2}, {policy: session.PolicyOldest, limit: 1}}
	for _, on := range sites {
		s := newStack(t, func(c *Config) {
			c.Login.Policy, c.Login.Limit = on.policy, on.limit
			// Open, what can't be verified at once passes: rightly, but then not as one
			// that was claimed.
			c.Login.Fail = session.FailClosed
			c.Limits.UnknownTokens.Off = true // all of them are one client's
		})
		on.nodes = []*node{s.node(), s.node(), s.node()}
	}
	histories, cut := 0, time.Time{}
	rapid.Check(t, func(rt *rapid.T) {
		histories++
		on := sites[rapid.IntRange(0, len(sites)-1).Draw(rt, "site")]
		h := &history{
			rt: rt, nodes: on.nodes, limit: on.limit, oldest: on.policy == session.PolicyOldest,
			name: fmt.Sprint("user ", histories), cut: &cut,
		}
		defer h.end()
		rt.Repeat(map[string]func(*rapid.T){
			"log in":    h.logIn,
			"take over": h.takeOver,
			"try again": h.tryAgain,
			"open":      h.open,
			"return":    h.comeBack,
			"request":   h.request,
			"close":     h.closePage,
			"log out":   h.logOut,
			"kick":      h.kick,
			"publish":   h.publish,
			"cut links": h.cutLinks,
			"flush":     h.flush,
			"":          func(rt *rapid.T) { h.rt = rt; h.check() },
		})
		h.answering()
	})
}

func (h *history) node() *node {
	return h.nodes[rapid.IntRange(0, len(h.nodes)-1).Draw(h.rt, "node")]
}

func (h *history) visitor(which string, ok func(*pastLogin) bool) *pastLogin {
	var list []*pastLogin
	for _, v := range h.logins {
		if ok(v) {
			list = append(list, v)
		}
	}
	if len(list) == 0 {
		h.rt.Skip()
	}
	return list[rapid.IntRange(0, len(list)-1).Draw(h.rt, which)]
}

func live(v *pastLogin) bool { return v.code == 0 }

// logIn has a new login displace the oldest where it finds no seat. There are no more of
// them than nodes remember, for a flush may come.
func (h *history) logIn(rt *rapid.T) {
	h.rt = rt
	if len(h.logins) == session.MaxRemembered {
		rt.Skip()
	}
	n := h.node()
	v := &pastLogin{token: n.backend.Login(h.name)}
	if h.oldest && slices.ContainsFunc(h.logins, live) {
		v.code = 4505
		h.logins = append(h.logins, v)
		h.denied(n, v)
		return
	}
	h.passing("a new login", n, v)
	h.logins = append(h.logins, v)
	alive := slices.DeleteFunc(slices.Clone(h.logins), func(v *pastLogin) bool { return !live(v) })
	for len(alive) > h.limit {
		alive[0].code = 4501
		if n.passes(alive[0].token) {
			rt.Fatalf("the displaced login passes where the new one came")
		}
		alive = alive[1:]
	}
}

// denied has a login that waits ask for its seat, and returns its ticket.
func (h *history) denied(n *node, v *pastLogin) string {
	var d denied
	h.eventually("a login that finds no seat is denied", 5*time.Second, func() bool {
		res, body := n.get(v.token)
		if res.StatusCode == http.StatusOK {
			h.rt.Fatalf("not denied: %s", body)
		}
		return res.StatusCode == http.StatusConflict && json.Unmarshal([]byte(body), &d) == nil && d.Takeover != ""
	})
	return d.Takeover
}

func waits(v *pastLogin) bool { return v.code == 4505 }

// takeOver has a login that waits displace the one that has the seat.
func (h *history) takeOver(rt *rapid.T) {
	h.rt = rt
	holder, v := h.visitor("holder", live), h.visitor("whose", waits)
	ticket, n := h.denied(h.node(), v), h.node()
	if res, body := n.takeOver(v.token, ticket); res.StatusCode != http.StatusOK {
		rt.Fatalf("takeover: %d %s", res.StatusCode, body)
	}
	v.code, holder.code = 0, 4501
	h.heard(v)
}

// tryAgain has a login that waits ask when the seat is free.
func (h *history) tryAgain(rt *rapid.T) {
	h.rt = rt
	v := h.visitor("whose", waits)
	if slices.ContainsFunc(h.logins, live) {
		h.denied(h.node(), v)
		return
	}
	v.code = 0
	h.heard(v)
}

// heard waits until no node denies a login that has its seat now: for 2 s they may.
func (h *history) heard(v *pastLogin) {
	for _, n := range h.nodes {
		h.passing("a login that has its seat", n, v)
	}
}

// passing waits until a request passes: while a link is down Redis has 300 ms to answer,
// which a busy machine may miss.
func (h *history) passing(what string, n *node, v *pastLogin) {
	h.eventually(what+" passes", 5*time.Second, func() bool { return n.passes(v.token) })
}

func (h *history) dial(n *node, v *pastLogin) *tab {
	var conn *websocket.Conn
	h.eventually("a socket is accepted", 5*time.Second, func() (ok bool) {
		var err error
		conn, _, err = websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(n.srv.URL, "http")+"/ws?token="+url.QueryEscape(v.token), nil)
		return err == nil
	})
	p := &tab{of: v, conn: conn, done: make(chan struct{})}
	go p.read()
	return p
}

func (p *tab) read() {
	defer close(p.done)
	for {
		_, data, err := p.conn.ReadMessage()
		p.mu.Lock()
		if err != nil {
			p.code = -1
			if ce, ok := err.(*websocket.CloseError); ok { //nolint:errorlint // as it comes from the library
				p.code = ce.Code
			}
			p.mu.Unlock()
			return
		}
		p.got = append(p.got, string(data))
		p.mu.Unlock()
	}
}

func (p *tab) state() (got []string, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got), p.code
}

func (p *tab) close() {
	_ = p.conn.Close()
	<-p.done
}

// asked has a page ask, and waits for the answer.
func (h *history) asked(p *tab, commands ...string) {
	before, _ := p.state()
	for _, c := range append(commands, "ping") {
		if err := p.conn.WriteMessage(websocket.TextMessage, []byte(c)); err != nil {
			h.rt.Fatalf("socket of a live login: %v", err)
		}
	}
	h.eventually("a page is answered", 5*time.Second, func() bool {
		got, _ := p.state()
		return slices.Contains(got[len(before):], "pong")
	})
}

func (h *history) eventually(what string, d time.Duration, cond func() bool) {
	if !proctest.Within(d, cond) {
		h.rt.Fatalf("not within %v: %s", d, what)
	}
}

func (h *history) open(rt *rapid.T) {
	h.rt = rt
	p := h.dial(h.node(), h.visitor("whose", live))
	h.pages = append(h.pages, p)
	h.asked(p, "data_imei:"+h.channel())
}

func (h *history) channel() string { return strings.ReplaceAll(h.name, " ", "-") }

// comeBack has the page of a dead login reconnect: it is told again.
func (h *history) comeBack(rt *rapid.T) {
	h.rt = rt
	v := h.visitor("whose", func(v *pastLogin) bool { return (v.code == 4501 || v.code == 4503) && v.returns < 5 })
	v.returns++
	h.closed(h.dial(h.node(), v))
}

func (h *history) request(rt *rapid.T) {
	h.rt = rt
	v := h.visitor("whose", live)
	h.passing("a request of a live login", h.node(), v)
}

func (h *history) closePage(rt *rapid.T) {
	h.rt = rt
	if len(h.pages) == 0 {
		rt.Skip()
	}
	i := rapid.IntRange(0, len(h.pages)-1).Draw(rt, "page")
	h.pages[i].close()
	h.pages = slices.Delete(h.pages, i, i+1)
}

func (h *history) logOut(rt *rapid.T) {
	h.rt = rt
	v, n := h.visitor("whose", live), h.node()
	n.do(n.request("POST", "/logout", "", "Authorization", "Bearer "+v.token))
	v.code = 4504
}

func (h *history) kick(rt *rapid.T) {
	h.rt = rt
	h.visitor("any", live)
	n := h.node()
	if _, err := n.gate.Kick(rt.Context(), Kick{Account: fmt.Sprint(n.backend.UserID(h.name)), All: true}); err != nil {
		rt.Fatal(err)
	}
	for _, v := range h.logins {
		if live(v) {
			v.code = 4503
		}
	}
}

func (h *history) publish(*rapid.T) {
	h.sent++
	h.nodes[0].publish("data_imei:"+h.channel(), fmt.Sprint("message ", h.sent))
}

// cutLinks loses events: until the links are back nodes hear nothing, and then they
// check what they have missed.
func (h *history) cutLinks(rt *rapid.T) {
	if rapid.IntRange(1, 8).Draw(rt, "rarely") > 1 {
		rt.Skip()
	}
	*h.cut = time.Now()
	h.nodes[0].redis.CLI("CLIENT", "KILL", "TYPE", "pubsub")
}

// flush empties Redis. With one seat that changes nothing for anybody once the live
// login was seen again, which needs a socket, for requests may be judged without Redis;
// with several seats, who is next to go is no longer known.
func (h *history) flush(rt *rapid.T) {
	h.rt = rt
	if h.limit > 1 {
		rt.Skip()
	}
	h.nodes[0].redis.CLI("FLUSHALL")
	for _, v := range h.logins {
		if live(v) {
			p := h.dial(h.node(), v)
			h.asked(p)
			p.close()
		}
	}
}

// wait is how long it may take until every node has heard: less than the 2 s that a
// verdict serves, unless events were lost.
func (h *history) wait() time.Duration {
	if time.Since(*h.cut) < 10*time.Second {
		return 5 * time.Second
	}
	return 1500 * time.Millisecond
}

// check: whoever is dead is refused and closed, and nobody else.
func (h *history) check() {
	for i, v := range h.logins {
		if live(v) || waits(v) {
			continue
		}
		for k, n := range h.nodes {
			h.eventually(fmt.Sprintf("login %d, ended with %d, is refused by node %d", i, v.code, k), h.wait(), func() bool { return !n.passes(v.token) })
		}
	}
	h.pages = slices.DeleteFunc(h.pages, func(p *tab) bool {
		if live(p.of) {
			if _, code := p.state(); code != 0 {
				h.rt.Fatalf("socket of a live login closed with %d", code)
			}
			return false
		}
		h.closed(p)
		return true
	})
}

// closed waits for the close of a dead login's socket: told once, and nothing after.
func (h *history) closed(p *tab) {
	defer p.close()
	h.eventually("the socket of a dead login is closed", h.wait(), func() bool {
		_, code := p.state()
		return code != 0
	})
	got, code := p.state()
	if code != p.of.code {
		h.rt.Fatalf("closed with %d, want %d", code, p.of.code)
	}
	told := slices.Index(got, "loginOut")
	if code == 4504 && told >= 0 || code != 4504 && told != len(got)-1 {
		h.rt.Fatalf("closed with %d after %q", code, got)
	}
}

// answering: at the end every live page still gets answers.
func (h *history) answering() {
	for _, p := range h.pages {
		if live(p.of) {
			h.asked(p)
		}
	}
}

func (h *history) end() {
	for _, p := range h.pages {
		p.close()
	}
}
