package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/proctest"
)

// admin sends a request to Caddy's admin endpoint. A body is JSON.
func admin(t *testing.T, c *proctest.CaddyServer, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.AdminAddr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// logins lists what a node knows of all live logins.
func logins(t *testing.T, c *proctest.CaddyServer, query string) (list []login) {
	t.Helper()
	status, body := admin(t, c, http.MethodGet, "/wsgate/logins"+query, "")
	var page struct{ Logins []login }
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	return page.Logins
}

type login struct {
	SID, Account, Name string
	Sockets, Nodes     int
}

// pages are those about logins.
const pages = `sessions /my/sessions
		admin_sessions /monitor/online {
			allow claims.user.userName == "carol"
		}`

// An administrator of one node sees and ends logins of another, also over a reload.
func TestAdminAPIOfTwoNodes(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	file := site(redis, backend, "", pages, "")
	a, b := proctest.Caddy(t, file), proctest.Caddy(t, file)
	ready(t, a)
	ready(t, b)
	bob, carol := backend.Login("bob"), backend.Login("carol")
	page, dialog, other := socket(t, a, bob), socket(t, a, bob), socket(t, b, carol)
	pong(page)
	pong(dialog)
	pong(other)

	all := logins(t, b, "")
	if len(all) != 2 {
		t.Fatalf("%+v", all)
	}
	target := all[1] // the older one
	if target.Name != "bob" || target.Sockets != 2 || target.Nodes != 1 {
		t.Errorf("%+v", target)
	}

	events, err := http.Get("http://" + b.AdminAddr + "/wsgate/events")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = events.Body.Close() }()
	told := bufio.NewScanner(events.Body)
	next := func(want ...string) {
		t.Helper()
		if !told.Scan() {
			t.Fatalf("the stream ended: %v", told.Err())
		}
		for _, w := range want {
			if !strings.Contains(told.Text(), w) {
				t.Errorf("no %s in %s", w, told.Text())
			}
		}
	}
	next(`"kind":"claim"`, `"account":"2"`)

	// Caddy starts its admin endpoint anew: streams that are open go on.
	if err := b.Reload(strings.Replace(file, "drain 0s", "drain 1s", 1)); err != nil {
		t.Fatal(err)
	}
	status, body := admin(t, b, http.MethodPost, "/wsgate/kick", `{"account":"1","all":true,"reason":"left the company"}`)
	if status != http.StatusOK || !strings.Contains(body, target.SID) {
		t.Fatalf("%d %s", status, body)
	}
	for _, c := range []*proctest.Client{page, dialog} {
		c.Expect("loginOut")
		c.ExpectClose(4503)
	}
	for _, c := range []*proctest.CaddyServer{a, b} {
		if _, body := get(t, c, "/orders", bob); !strings.Contains(body, `"code":401`) {
			t.Errorf("a request of the kicked login reached the backend: %s", body)
		}
	}
	next(`"kind":"kick"`, `"reason":"left the company"`, `"by":"admin API"`, target.SID)
	b.AwaitLog(`"kind":"kick"`, patience)
	pong(other)
	if left := logins(t, a, "?online=true"); len(left) != 1 || left[0].Account != "2" {
		t.Errorf("left: %+v", left)
	}
	if status, body := admin(t, a, http.MethodGet, "/wsgate/logins?gate=other", ""); status != http.StatusNotFound || !strings.Contains(body, "default") {
		t.Errorf("%d %s", status, body)
	}
	// The site's own users see theirs, and its administrators all.
	for path, want := range map[string]string{
		"/my/sessions":                        `{"sessions":[{"sid":"` + all[0].SID + `","current":true,`,
		"/monitor/online/list?userName=carol": `{"code":200,"msg":"查询成功","total":1,"rows":[{"tokenId":"` + all[0].SID + `",`,
	} {
		if status, body := get(t, b, path, carol); status != http.StatusOK || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %s, want %s", path, status, body, want)
		}
	}
	if _, body := get(t, b, "/monitor/online/list", backend.Login("dave")); !strings.HasPrefix(body, `{"code":403,`) {
		t.Errorf("an administrator is whoever asks: %s", body)
	}
	next(`"kind":"claim"`, `"account":"3"`)
	b.Stop() // within its time, though a stream is open
	if told.Scan() {
		t.Errorf("after the end: %s", told.Text())
	}
}
