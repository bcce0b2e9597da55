package token

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func finder(tb testing.TB, sources ...Source) *Finder {
	tb.Helper()
	f, err := NewFinder(sources)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// Two requests with one mark carry the same, and a request has one mark.
func TestMarkStandsForAllThatIsRead(t *testing.T) {
	t.Parallel()
	f := finder(t, optional, bare, cookie, query)
	devices := NewDevices(NewKey("secret", "default"), true)
	plain, tls := devices.Mint(false), devices.Mint(true)
	value := rapid.SampledFrom([]string{
		"", "a", "b", "ab", "a\x00", "Bearer a", "Bearer b", strings.Repeat("x", 15), strings.Repeat("x", 16), strings.Repeat("x", 17),
		"sid=a", "sid=b", "a; sid=a", "SID=a", plain.Name + "=" + plain.Value, tls.Name + "=" + tls.Value, plain.Name + "=" + tls.Value, hs256,
	})
	values := rapid.SliceOfN(value, 0, 3)
	target := rapid.SampledFrom([]string{"/", "/?a=token", "/?tokens=1&b", "/?token=a", "/?x=1;TOKEN=a", "/?tok%65n=b", "/?token", "/?a=1&&token=c&"})
	draw := func(t *rapid.T) (*http.Request, bool) {
		h := http.Header{}
		for _, name := range []string{"Authorization", "X-Access-Token", "Cookie", "X-Other"} {
			if vs := values.Draw(t, name); len(vs) > 0 {
				h[name] = vs
			}
		}
		return request(target.Draw(t, "target"), h), rapid.Bool().Draw(t, "tls")
	}
	rapid.Check(t, func(t *rapid.T) {
		a, aTLS := draw(t)
		b, bTLS := draw(t)
		m, ok := f.Mark(a, aTLS)
		n, also := f.Mark(b, bTLS)
		if again, same := f.Mark(a, aTLS); again != m || same != ok {
			t.Fatal("a request has two marks")
		}
		for _, r := range []*http.Request{a, b} {
			in := f.HTTP(&http.Request{URL: r.URL, Header: http.Header{}}, nil)
			if _, ok := f.Mark(r, false); ok && len(in) > 0 {
				t.Fatalf("a mark in spite of a token in the query %s", r.URL.RawQuery)
			}
		}
		texts := func(r *http.Request) [3][]string {
			return [3][]string{r.Header["Authorization"], r.Header["X-Access-Token"], r.Header["Cookie"]}
		}
		same := aTLS == bTLS
		for i, vs := range texts(a) {
			same = same && slices.Equal(vs, texts(b)[i])
		}
		if ok && also && (m == n) != same {
			t.Fatalf("equal marks: %v, equal texts: %v", m == n, same)
		}
		if ok && also && m == n && (!slices.Equal(f.HTTP(a, nil), f.HTTP(b, nil)) || devices.Has(a, aTLS) != devices.Has(b, bTLS)) {
			t.Fatal("two requests with one mark were read differently")
		}
	})
}

func TestMarkTellsValuesApart(t *testing.T) {
	t.Parallel()
	f := finder(t, optional, bare, cookie)
	seen := map[Mark]int{}
	for i, h := range []http.Header{
		auth("ab", "c"), auth("a", "bc"), auth("abc"), auth("abc", ""), auth("", "abc"), auth("abc\x00"), auth("abc\x00\x00"),
		{"X-Access-Token": {"abc"}},
		cookies("abc"), cookies("ab", "c"),
		{"Authorization": {"ab"}, "X-Access-Token": {"c"}},
		{"Authorization": {"c"}, "X-Access-Token": {"ab"}},
		auth(strings.Repeat("a", 16)), auth(strings.Repeat("a", 17)), auth(strings.Repeat("a", 16), "a"), auth(""),
	} {
		m, ok := f.Mark(request("/", h), false)
		if other, twice := seen[m]; !ok || twice {
			t.Errorf("%d: marked %v, as %d: %v", i, ok, other, twice)
		}
		seen[m] = i
	}
	m, _ := f.Mark(request("/", auth("abc")), true)
	if _, twice := seen[m]; twice {
		t.Error("a mark over TLS is one without")
	}
	if n, _ := finder(t, optional, bare, cookie).Mark(request("/", auth("abc")), true); n == m {
		t.Error("two finders have one key")
	}
}

func TestUnmarked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sources []Source
		target  string
		header  http.Header
		marked  bool
	}{
		"nothing":                    {nil, "/", nil, false},
		"only other cookies":         {nil, "/", cookies("a=b"), false},
		"cookies where one may hold": {[]Source{cookie}, "/", cookies("a=b"), true},
		"header":                     {nil, "/?x=1", auth("Bearer a"), true},
		"a parameter":                {nil, "/?x=1&token=a", auth("Bearer a"), false},
		"an escaped parameter":       {nil, "/?%54oken", auth("Bearer a"), false},
		"a parameter of no source":   {[]Source{bearer}, "/?token=a", auth("Bearer a"), true},
		"the longest":                {nil, "/", auth(strings.Repeat("a", 16*(maxMarked-1))), true},
		"too long":                   {nil, "/", auth(strings.Repeat("a", 16*(maxMarked-1)+1)), false},
		"too long in all":            {nil, "/", http.Header{"Authorization": {"a"}, "Cookie": {strings.Repeat("a", 16*(maxMarked-2))}}, false},
		"short behind too long":      {nil, "/", http.Header{"Authorization": {strings.Repeat("a", 9000)}, "Cookie": {"a"}}, false},
	} {
		if _, ok := finder(t, c.sources...).Mark(request(c.target, c.header), false); ok != c.marked {
			t.Errorf("%s: marked %v, want %v", name, ok, c.marked)
		}
	}
}

func BenchmarkMark(b *testing.B) {
	f := finder(b)
	ck := NewDevices(NewKey("secret", "default"), true).Mint(false)
	r := request("/", http.Header{"Authorization": {"Bearer " + hs256}, "Cookie": {ck.Name + "=" + ck.Value}})
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := f.Mark(r, false); !ok {
			b.Fatal("no mark")
		}
	}
}
