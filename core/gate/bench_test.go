package gate

import (
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

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

// reportCPU reports what a benchmark's loop cost in processor time, which is less
// than what it took where others use the machine as well.
func reportCPU(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

// familiarJudgement judges as the guard does where a request is familiar.
func (n *node) familiarJudgement(tb testing.TB, r *http.Request) func() {
	tb.Helper()
	sh := n.gate.shared.Load()
	if err := n.site.ServeHTTP(httptest.NewRecorder(), r, func(http.ResponseWriter, *http.Request) error { return nil }); err != nil {
		tb.Fatal(err)
	}
	return func() {
		m, _ := n.site.finder.Mark(r, false)
		if f, v := sh.recall(&m); f == nil || v.Account == "" {
			tb.Fatal("not familiar")
		}
	}
}

// BenchmarkFamiliarVerdict: to know the token of a request again, and to judge it.
func BenchmarkFamiliarVerdict(b *testing.B) {
	n, r := known(b)
	judge := n.familiarJudgement(b, r)
	b.ReportAllocs()
	defer reportCPU(b)()
	for i := 0; b.Loop(); i++ {
		n.stayKnown(b, i, r)
		judge()
	}
}

// BenchmarkVerdict: to find the token of a request whose login is known, and to judge it.
func BenchmarkVerdict(b *testing.B) {
	n, r := known(b)
	judge := n.judgement(b, r)
	b.ReportAllocs()
	defer reportCPU(b)()
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
	defer reportCPU(b)()
	for i := 0; b.Loop(); i++ {
		n.stayKnown(b, i, r)
		if err := n.site.ServeHTTP(w, r, next); err != nil {
			b.Fatal(err)
		}
	}
}
