package token

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func request(target string, h http.Header) *http.Request {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		u = &url.URL{Path: "/"}
		u.Path, u.RawQuery, _ = strings.Cut(target, "?")
	}
	if h == nil {
		h = http.Header{}
	}
	return &http.Request{Method: http.MethodGet, URL: u, RequestURI: target, Header: h}
}

var (
	bearer   = Source{Kind: Header, Name: "authorization", Scheme: "Bearer"}
	optional = Source{Kind: Header, Name: "Authorization", Scheme: "Bearer", SchemeOptional: true}
	bare     = Source{Kind: Header, Name: "X-Access-Token"}
	query    = Source{Kind: Query, Name: "token"}
	queryB   = Source{Kind: Query, Name: "Authorization", Scheme: "Bearer", SchemeOptional: true}
	cookie   = Source{Kind: Cookie, Name: "sid"}
	sub      = Source{Kind: Subprotocol}
)

func auth(values ...string) http.Header    { return http.Header{"Authorization": values} }
func cookies(values ...string) http.Header { return http.Header{"Cookie": values} }

func TestHTTP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source Source
		target string
		header http.Header
		want   []string
	}{
		"header":                      {bearer, "/", auth("Bearer abc"), []string{"abc"}},
		"scheme in any case":          {bearer, "/", auth("bEaReR abc"), []string{"abc"}},
		"spaces and tabs":             {bearer, "/", auth("Bearer \t  abc"), []string{"abc"}},
		"other scheme":                {bearer, "/", auth("Basic abc"), []string{"odd abc", "odd bc"}},
		"no scheme":                   {bearer, "/", auth("abc"), []string{"odd abc"}},
		"scheme only":                 {bearer, "/", auth("Bearer"), nil},
		"null":                        {bearer, "/", auth("Bearer null"), nil},
		"undefined":                   {bearer, "/", auth("Bearer undefined"), nil},
		"repeated header":             {bearer, "/", auth("Bearer a", "Bearer b", "Bearer a"), []string{"a", "b"}},
		"repeated scheme":             {bearer, "/", auth("Bearer Bearer bearer abc"), []string{"abc"}},
		"scheme in the middle":        {bearer, "/", auth("Bearer abBEARER cd"), []string{"abcd", "odd abBEARER", "odd cd"}},
		"scheme made by removal":      {bearer, "/", auth("Bearer BeaBearer rer abc"), []string{"odd BeaBearer", "odd abc"}},
		"something before the scheme": {bearer, "/", auth("Basic x Bearer abc"), []string{"odd x", "odd abc"}},
		"cut at a comma":              {bearer, "/", auth("Bearer abc,def"), []string{"abc,def", "odd abc"}},
		"last scheme to the comma":    {bearer, "/", auth("Bearer x y Bearer abc, z"), []string{"odd x", "odd z", "odd abc"}},
		"first and last word":         {bearer, "/", auth("Bearer abc def ghi"), []string{"odd abc", "odd ghi"}},
		"scheme glued":                {bearer, "/", auth("Bearerabc"), []string{"odd Bearerabc", "odd bc", "odd abc"}},
		"scheme behind":               {bearer, "/", auth("abcBearer"), []string{"odd abcBearer", "odd er", "odd abc"}},
		"colon for the space":         {bearer, "/", auth("Bearer:abc"), []string{"odd Bearer:abc", "odd abc", "odd :abc"}},
		"seven other bytes":           {bearer, "/", auth("AAAAAAAabc"), []string{"odd AAAAAAAabc", "odd abc"}},
		"odd and then plain":          {bearer, "/", auth("Foo abc", "Bearer abc"), []string{"abc"}},
		"malformed is not judged":     {bearer, "/", auth("Bearer ü"), nil},
		"100 kB":                      {bearer, "/", auth("Bearer " + strings.Repeat("a", 100_000)), nil},
		"optional scheme":             {optional, "/", auth("abc"), []string{"abc"}},
		"optional scheme present":     {optional, "/", auth("Bearer abc"), []string{"abc"}},
		"optional scheme glued":       {optional, "/", auth("Bearerabc"), []string{"Bearerabc", "odd bc", "odd abc"}},
		"optional scheme alone":       {optional, "/", auth("Bearer"), nil},
		"optional scheme inside":      {optional, "/", auth("abBearer cd"), []string{"abcd", "odd cd"}},
		"header without scheme":       {bare, "/", http.Header{"X-Access-Token": {"abc"}}, []string{"abc"}},

		"query":              {query, "/?a=1&token=abc", nil, []string{"abc"}},
		"repeated parameter": {query, "/?token=a&token=b&token=a", nil, []string{"a", "b"}},
		"semicolon":          {query, "/?a=1;token=abc;b=2", nil, []string{"abc"}},
		"percent":            {query, "/?token=a%62%2Bc", nil, []string{"ab+c"}},
		"percent in name":    {query, "/?%74oken=abc", nil, []string{"abc"}},
		"name in any case":   {query, "/?TOKEN=abc", nil, []string{"abc"}},
		"bad percent":        {query, "/?token=a%zz%6", nil, []string{"a%zz%6"}},
		"bad percent before": {query, "/?a=%zz&token=abc", nil, []string{"abc"}},
		"plus":               {query, "/?token=a+b", nil, []string{"a+b"}},
		"plus trimmed":       {query, "/?token=+abc", nil, []string{"abc", "odd +abc"}},
		"trimmed":            {query, "/?token=%00%20abc%C2%A0%0A", nil, []string{"abc"}},
		"empty":              {query, "/?token=&token", nil, nil},
		"null in query":      {query, "/?token=null", nil, nil},
		"query scheme":       {queryB, "/?Authorization=Bearer%20abc", nil, []string{"abc"}},
		"query scheme plus":  {queryB, "/?Authorization=Bearer+abc", nil, []string{"abc", "odd Bearer+abc", "odd +abc"}},
		"other parameter":    {query, "/?mytoken=abc&token2=x", nil, nil},

		"cookie":            {cookie, "/", cookies("a=b; sid=abc; c=d"), []string{"abc"}},
		"all of that name":  {cookie, "/", cookies("sid=a; sid=b", "sid=c"), []string{"a", "b", "c"}},
		"quoted":            {cookie, "/", cookies(`sid="abc"`), []string{"abc"}},
		"raw and decoded":   {cookie, "/", cookies("sid=1%7Cabc"), []string{"1|abc", "1%7Cabc"}},
		"quotes encoded":    {cookie, "/", cookies("sid=%22abc%22"), []string{"abc", "%22abc%22"}},
		"other cookie":      {cookie, "/", cookies("asid=abc; sidx=d"), nil},
		"no space":          {cookie, "/", cookies("a=b;sid=abc"), []string{"abc"}},
		"never subprotocol": {sub, "/", http.Header{"Sec-Websocket-Protocol": {"wsgate, token.YWJj"}}, nil},

		"padding that can mean two": {bearer, "/", auth("Bearer " + hs256 + "=AAAA"), []string{"odd " + hs256 + "=AAAA", "odd " + hs256}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := NewFinder([]Source{c.source})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, found := range f.HTTP(request(c.target, c.header), nil) {
				raw := found.Token.Raw()
				if !found.Canonical {
					raw = "odd " + raw
				}
				got = append(got, raw)
				if found.Source.Kind != c.source.Kind {
					t.Errorf("source %v", found.Source)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A header of the largest size that a server takes costs linear time.
func TestHTTPHugeHeader(t *testing.T) {
	t.Parallel()
	f, _ := NewFinder([]Source{bearer, optional, query})
	for _, unit := range []string{"Bearer ", "Bearer", "Bea", " ", ",", "B\t", "%"} {
		huge := strings.Repeat(unit, 1<<20/len(unit))
		start := time.Now()
		f.HTTP(request("/?token="+strings.Repeat(unit+"&token=", 1000), auth(huge+"abc", huge+"Bearer abc")), nil)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%q repeated took %v", unit, d)
		}
	}
}

func TestHTTPReadsEverySource(t *testing.T) {
	t.Parallel()
	f, err := NewFinder([]Source{bearer, query, cookie, sub})
	if err != nil {
		t.Fatal(err)
	}
	h := auth("Bearer a")
	h.Set("Cookie", "sid=b")
	h.Set("Sec-WebSocket-Protocol", "wsgate, token.ZA")
	var got []string
	for _, found := range f.HTTP(request("/?token=c&token=a", h), nil) {
		got = append(got, string(found.Source.Kind)+" "+found.Token.Raw())
	}
	if want := []string{"header a", "query c", "cookie b"}; !slices.Equal(got, want) {
		t.Fatalf("got %q", got)
	}
}

func TestHTTPCanonical(t *testing.T) {
	t.Parallel()
	f, _ := NewFinder([]Source{bearer})
	key := NewKey("", "default")
	found := f.HTTP(request("/", auth("Bearer "+hs256, "Bearer "+hs256+"==")), nil)
	if len(found) != 2 || !found[0].Canonical || found[1].Canonical {
		t.Fatalf("found %v", found)
	}
	if key.Fingerprint(found[0].Token) != key.Fingerprint(found[1].Token) {
		t.Fatal("the other spelling has another fingerprint")
	}
	for _, tail := range []string{"=AAAA", "=A=", "==="} {
		for _, x := range f.HTTP(request("/", auth("Bearer "+hs256+tail)), nil) {
			if x.Canonical {
				t.Errorf("with %q found a canonical token", tail)
			}
		}
	}
}

func TestHTTPIsBounded(t *testing.T) {
	t.Parallel()
	f, _ := NewFinder([]Source{bearer, query})
	var q strings.Builder
	var h []string
	for i := range 1000 {
		q.WriteString("&token=" + strconv.Itoa(i))
		h = append(h, "Foo x"+strconv.Itoa(i))
	}
	for _, r := range []*http.Request{request("/?"+q.String(), nil), request("/", auth(h...))} {
		if n := len(f.HTTP(r, nil)); n != MaxValues+1 {
			t.Errorf("%d values", n)
		}
	}
}

func TestNewFinderErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source Source
		want   string
	}{
		"unknown kind":       {Source{Kind: "body"}, "unknown source"},
		"no name":            {Source{Kind: Query}, "needs a name"},
		"bad header":         {Source{Kind: Header, Name: "a b"}, "can't be the name"},
		"reserved header":    {Source{Kind: Header, Name: "Cookie"}, "no place for a token"},
		"bad scheme":         {Source{Kind: Header, Name: "a", Scheme: "B "}, "can't be a scheme"},
		"cookie with scheme": {Source{Kind: Cookie, Name: "a", Scheme: "B"}, "takes no scheme"},
		"subprotocol named":  {Source{Kind: Subprotocol, Name: "a"}, "takes no name"},
		"optional nothing":   {Source{Kind: Header, Name: "a", SchemeOptional: true}, "without a scheme"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := NewFinder([]Source{c.source}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v", err)
			}
		})
	}
	if _, err := NewFinder(slices.Repeat([]Source{query}, maxSources+1)); err == nil {
		t.Error("any number of sources is accepted")
	}
	if _, err := NewFinder(nil); err != nil {
		t.Error(err)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("token=abc;b=2&token=%zz", "Bearer Bearer x, y", `a=b; sid="1%7Cx"`, "wsgate, token.YWJj")
	f.Add("Authorization=Bearer+x", hs256, "sid="+hs256+"==", "token.YWJj,token.YQ")
	finder, err := NewFinder([]Source{bearer, optional, query, queryB, cookie, sub})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, rawQuery, header, jar, protocols string) {
		r := request("/", http.Header{"Authorization": {header}, "Cookie": {jar}, "Sec-Websocket-Protocol": {protocols}})
		r.URL.RawQuery, r.RequestURI = rawQuery, "/?"+rawQuery
		found := finder.HTTP(r, nil)
		if len(found) > MaxValues+1 {
			t.Fatalf("%d values", len(found))
		}
		for i, a := range found {
			if a.Token.IsZero() {
				t.Fatal("found no token")
			}
			for _, b := range found[:i] {
				if a.Token == b.Token {
					t.Fatal("one value twice")
				}
			}
		}
		one, err := finder.Socket(r)
		if err != nil && !one.Token.IsZero() || err == nil && one.Token.IsZero() {
			t.Fatalf("%v with %v", one, err)
		}
		if p := finder.SubprotocolReply(r); p != "" && p != "wsgate" {
			t.Fatalf("echoed %q", p)
		}
		finder.StripQuery(r, true)
		for q := r.URL.RawQuery; q != ""; {
			var name string
			if name, _, _, q, _ = nextParam(q); strings.EqualFold(name, "token") {
				t.Fatalf("%q is left of %q", r.URL.RawQuery, rawQuery)
			}
		}
		if !bytes.HasSuffix([]byte(r.RequestURI), []byte(r.URL.RawQuery)) {
			t.Fatalf("RequestURI %q, query %q", r.RequestURI, r.URL.RawQuery)
		}
	})
}

func BenchmarkHTTPHeaderOnly(b *testing.B) {
	f, _ := NewFinder(nil)
	r := request("/", auth("Bearer "+hs256))
	buf := make([]Found, 0, 4)
	b.ReportAllocs()
	for b.Loop() {
		f.HTTP(r, buf)
	}
}
