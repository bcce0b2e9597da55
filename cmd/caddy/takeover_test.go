package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

const desktop = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130 Safari/537.36"

// answer is a response that was read.
type answer struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, method, url, token, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("User-Agent", desktop)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// reason is what the texts of the test's site tell.
type reason struct {
	Reason string    `json:"reason"`
	Text   string    `json:"text"`
	IP     string    `json:"ip"`
	Device string    `json:"device"`
	At     time.Time `json:"at"`
}

func (r *reason) check(t *testing.T, text string, since time.Time) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), r); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if r.Reason != "displaced" || r.Text == "" || r.IP != "127.0.x.x" || r.Device != "pc" || r.At.Before(since.Add(-time.Minute)) || r.At.After(time.Now().Add(time.Minute)) {
		t.Errorf("told %+v", *r)
	}
}

// The oldest login wins; a page that is denied asks whether to go on here, and does so
// with one request, at another process. The one that it displaced is told by whom, from
// where and when, on its socket and on HTTP.
func TestTakeoverWithOneRequest(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	const words = `{"reason":"{reason}","text":"{message}","ip":"{by_ip}","device":"{by_device}","at":"{at}"}`
	file := strings.Replace(site(redis, backend, "", "login oldest\n\t\tguard {\n\t\t\treject displaced {\n\t\t\t\tstatus 440\n\t\t\t\tbody application/json `"+words+"`\n\t\t\t}\n\t\t}", ""),
		"channel data_imei:{id}", "channel data_imei:{id}\n\t\t\tmessage displaced `"+words+"`", 1)
	a, b := proctest.Caddy(t, file), proctest.Caddy(t, file)
	ready(t, a)
	ready(t, b)
	begin := time.Now()

	first := backend.Login("bob")
	if got := do(t, "GET", a.URL()+"/orders", first, ""); got.status != http.StatusOK {
		t.Fatalf("the first login: %+v", got)
	}
	page := socket(t, a, first)
	pong(page)

	late := backend.Login("bob")
	denied := do(t, "GET", b.URL()+"/orders", late, "")
	var told struct {
		Error    string
		Takeover string
		Holders  []struct {
			IP, Device string
			Since      time.Time
		}
	}
	if err := json.Unmarshal([]byte(denied.body), &told); err != nil || denied.status != http.StatusConflict {
		t.Fatalf("the second login: %+v, %v", denied, err)
	}
	if denied.header.Get("Cache-Control") != "no-store" || told.Error != "login_denied" || len(told.Holders) != 1 || told.Takeover == "" {
		t.Fatalf("the denial: %+v", denied)
	}
	if h := told.Holders[0]; h.IP != "127.0.x.x" || h.Device != "pc" || h.Since.Sub(begin).Abs() > time.Minute {
		t.Errorf("the holder: %+v", h)
	}
	if reason := socket(t, b, late).ExpectClose(4505); !strings.HasPrefix(reason, "in use on pc from 127.0.x.x since ") {
		t.Errorf("the socket was told %q", reason)
	}
	pong(page)

	ticket := `{"ticket":"` + told.Takeover + `"}`
	for range 2 { // its answer may be lost, and the page ask again
		if got := do(t, "POST", a.URL()+"/.wsgate/takeover", late, ticket); got.status != http.StatusOK || got.body != `{"outcome":"live"}` {
			t.Fatalf("takeover: %+v", got)
		}
	}
	new(reason).check(t, page.Next(), begin)
	page.ExpectClose(4501)
	for _, c := range []*proctest.CaddyServer{a, b} {
		var got answer
		proctest.Eventually(t, patience, func() bool {
			got = do(t, "GET", c.URL()+"/orders", first, "")
			return got.status == 440
		}, "the displaced one is refused")
		new(reason).check(t, got.body, begin)
		proctest.Eventually(t, patience, func() bool {
			return do(t, "GET", c.URL()+"/orders", late, "").status == http.StatusOK
		}, "the taker is served")
	}
	if got := do(t, "POST", b.URL()+"/.wsgate/takeover", first, ticket); got.status == http.StatusOK {
		t.Errorf("the displaced one took over by the other's ticket: %+v", got)
	}
	pong(socket(t, b, late))
}
