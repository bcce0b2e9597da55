package gate

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wsgate/wsgate/core/token"
)

// known is a gate that has judged a token, and a request with it from a browser that
// has its device cookie.
func known(tb testing.TB) (*node, *http.Request) {
	tb.Helper()
	n := newStack(tb).node()
	tok := n.backend.Login("bob")
	res, body := n.get(tok)
	if body != "hello bob" {
		tb.Fatalf("the login does not pass: %d %s", res.StatusCode, body)
	}
	r := n.request(http.MethodGet, "/orders", "", "Authorization", "Bearer "+tok, "User-Agent", "test")
	for _, c := range res.Cookies() {
		r.AddCookie(c)
	}
	return n, r
}

// judgement judges as the guard does.
func (n *node) judgement(tb testing.TB, r *http.Request) func() {
	tb.Helper()
	sh := n.gate.shared.Load()
	return func() {
		var buf [2]token.Found
		j := n.site.judgeAll(r, sh, n.site.finder.HTTP(r, buf[:0]))
		if j.err != nil || j.verdict.Account == "" {
			tb.Fatalf("not judged: %+v", j)
		}
	}
}

// stayKnown keeps the verdict from growing old while a benchmark runs.
func (n *node) stayKnown(tb testing.TB, i int, r *http.Request) {
	if i%100_000 != 0 {
		return
	}
	fp := n.gate.shared.Load().key.Fingerprint(n.site.finder.HTTP(r, nil)[0].Token)
	if _, err := n.gate.shared.Load().registry.Lookup(tb.Context(), fp, ""); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkVerdict: to find the token of a request whose login is known, and to judge it.
func BenchmarkVerdict(b *testing.B) {
	n, r := known(b)
	judge := n.judgement(b, r)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		n.stayKnown(b, i, r)
		judge()
	}
}

// BenchmarkGuard is all that the gate does with such a request, but for passing it on.
func BenchmarkGuard(b *testing.B) {
	n, r := known(b)
	next := func(http.ResponseWriter, *http.Request) error { return nil }
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		n.stayKnown(b, i, r)
		if err := n.site.ServeHTTP(w, r, next); err != nil {
			b.Fatal(err)
		}
	}
}
