package introspect

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

const benchBody = `{"code":200,"msg":"ok","user":{"userId":1,"userName":"admin"},"roles":["admin"],"permissions":["*:*:*"]}`

func warm(tb testing.TB) (*Client, Query) {
	b := serve(tb, says(200, benchBody))
	c := newClient(tb, Config{URI: b.URL, Preset: "ruoyi"}, nil)
	q := query(tb, "abc")
	q.Request = httptest.NewRequest(http.MethodGet, "/", nil)
	q.Request.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130 Safari/537.36")
	if a := c.Identify(context.Background(), q); a.Outcome != Active {
		tb.Fatal(a.Err)
	}
	return c, q
}

func TestCachedAllocatesNothing(t *testing.T) {
	c, q := warm(t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { c.Cached(q) }); n != 0 {
		t.Errorf("Cached: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { c.Identify(ctx, q) }); n != 0 {
		t.Errorf("Identify of a cached token: %v allocations", n)
	}
}

func BenchmarkCached(b *testing.B) {
	c, q := warm(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Cached(q)
	}
}

func BenchmarkCachedParallel(b *testing.B) {
	c, q := warm(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Cached(q)
		}
	})
}

func BenchmarkIdentifyHit(b *testing.B) {
	c, q := warm(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		c.Identify(ctx, q)
	}
}

func BenchmarkJudge(b *testing.B) {
	c, q := warm(b)
	res := Response{Status: 200, Body: []byte(benchBody)}
	b.ReportAllocs()
	for b.Loop() {
		c.rules.judge(res, q.Token, true)
	}
}

func BenchmarkIdentifyMiss(b *testing.B) {
	c, q := warm(b)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		c.Forget(q.Fingerprint)
		c.Identify(ctx, q)
	}
}
