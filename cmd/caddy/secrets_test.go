package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/proctest"
)

// TestTokensAreNowhere looks for tokens in everything that somebody could read:
// logs at DEBUG, Redis, metrics the admin API and the configuration.
func TestTokensAreNowhere(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	const filter = `format filter {
			request>uri regexp ([?&]token=)[^&]* ${1}REDACTED
			request>uri regexp ^/path/[^/?]+ /path/REDACTED
			request>headers>Sec-Websocket-Protocol replace REDACTED
			resp_headers>Sec-Websocket-Protocol replace REDACTED
		}`
	file := site(redis, backend, "metrics\n\tlog {\n\t\tlevel DEBUG\n\t\t"+filter+"\n\t}",
		"secret {env.CANARY_SECRET}\n\t\t"+pages+"\n"+
			"token header Authorization Bearer\ntoken query token\ntoken subprotocol bare\ntoken first_message\ntoken ticket\n"+
			"token path /path/{token}\nsocket /path/{token} {\naccount msg:{account}\n}\n"+
			"socket /live {\nprotocol centrifuge\nchannel c:{id}\n}", "log {\n\t\t"+filter+"\n\t}")
	const secret = "canary-secret-of-the-gate"
	c := proctest.Caddy(t, file, proctest.Env("CANARY_SECRET="+secret))
	ready(t, c)

	canaries := []string{secret, "canary-opaque-token"}
	login := func(account string) string {
		tok := backend.Login(account)
		canaries = append(canaries, tok, strings.Split(tok, ".")[2])
		return tok
	}
	var all strings.Builder
	old := login("bob")
	socket(t, c, old).Send("msg:" + old)
	get(t, c, "/orders?token="+old, old)
	socket(t, c, login("bob"))
	get(t, c, "/orders?token="+old, old)
	socket(t, c, "canary-opaque-token")
	get(t, c, "/orders", "canary-opaque-token")
	offered := login("carol")
	proctest.Dial(t, c.URL()+"/ws", proctest.WithSubprotocols("wsgate", "token."+base64.RawURLEncoding.EncodeToString([]byte(offered))))
	canaries = append(canaries, base64.RawURLEncoding.EncodeToString([]byte(offered)))
	for _, message := range []string{login("erin"), "canary-opaque-message", "canary two words", old} {
		first := proctest.Dial(t, c.URL()+"/ws")
		first.Send(message)
	}
	for _, live := range []struct {
		token        string
		frames, code int
	}{
		{login("kim"), 3, 1008}, {old, 1, 4501}, {"canary-opaque-message", 0, 4504}, {"canary two words", 2, 1008},
	} {
		sock := proctest.Dial(t, c.URL()+"/live")
		sock.Send(fmt.Sprintf(`{"id":1,"connect":{"token":%q}}`, live.token) + "\n" +
			`{"id":2,"subscribe":{"channel":"c:1","token":"canary-of-a-channel"}}` + "\n" +
			fmt.Sprintf(`{"id":3,"refresh":{"token":%q}}`, login("kim")) + "\n" + `{"send":{"data":"canary two words"}}`)
		for range live.frames {
			all.WriteString(sock.Next())
		}
		sock.ExpectClose(live.code)
	}
	canaries = append(canaries, "canary-opaque-message", "canary two words", "canary-of-a-channel")
	pong(proctest.Dial(t, c.URL()+"/path/"+login("heidi")))
	for _, path := range []string{"/path/" + old, "/path/" + login("ivan")} {
		get(t, c, path, "")
	}
	pong(proctest.Dial(t, c.URL()+"/ws", proctest.WithSubprotocols(login("judy"))))
	used, kept := ticketFor(t, c, login("frank")), ticketFor(t, c, login("grace"))
	pong(proctest.Dial(t, c.URL()+"/ws?ticket="+used))
	proctest.Refused(t, c.URL()+"/ws?ticket=canary-of-a-ticket")
	for _, f := range []proctest.Fault{proctest.Error500, proctest.Break, proctest.Huge, proctest.Redirect} {
		backend.SetFault(f)
		tok := login("alice")
		get(t, c, "/orders?token="+tok, tok)
		proctest.Refused(t, c.URL()+"/ws?token="+tok)
	}
	backend.SetFault(proctest.NoFault)
	c.AwaitLog(`"status":503`, patience)

	carol := login("carol")
	for path, want := range map[string]string{"/my/sessions": `"sid":`, "/monitor/online/list": `"tokenId":`} {
		_, body := get(t, c, path, carol)
		if !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
		all.WriteString(body)
	}
	for _, path := range []string{"/metrics", "/config/", "/wsgate/gates", "/wsgate/logins", "/wsgate/events?follow=false"} {
		res, err := http.Get("http://" + c.AdminAddr + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(&all, res.Body)
		_ = res.Body.Close()
	}
	if !strings.Contains(all.String(), `"kind":"displaced"`) {
		t.Error("no event: the test looks in the wrong place")
	}
	if strings.Contains(all.String(), used) {
		t.Error("a ticket is in the metrics or the configuration")
	}
	inRedis := all.Len()
	keys := strings.Fields(redis.CLI("KEYS", "*"))
	if len(keys) == 0 {
		t.Fatal("nothing in Redis: the test looks in the wrong place")
	}
	for _, k := range keys {
		all.WriteString(k + "\n")
		switch redis.CLI("TYPE", k) {
		case "hash":
			all.WriteString(redis.CLI("HGETALL", k))
		case "zset":
			all.WriteString(redis.CLI("ZRANGE", k, "0", "-1"))
		case "string":
			all.WriteString(redis.CLI("GET", k))
		default:
			t.Errorf("%s has a type that this test does not read", k)
		}
	}
	if s := all.String()[inRedis:]; strings.Contains(s, used) || strings.Contains(s, kept) {
		t.Error("a ticket is in Redis")
	}
	c.Stop()
	if strings.Contains(c.Logs(), kept) {
		t.Error("a ticket that is good is in a log")
	}
	all.WriteString(c.Logs())
	for _, canary := range canaries {
		if i := strings.Index(all.String(), canary); i >= 0 {
			text := all.String()
			t.Errorf("%.12s… is in: %s", canary, text[max(0, i-200):min(len(text), i+20)])
		}
	}
	if !strings.Contains(c.Logs(), "REDACTED") {
		t.Error("no request was logged: the test looks in the wrong place")
	}
}

// ticketFor changes a token for a ticket.
func ticketFor(t *testing.T, c *proctest.CaddyServer, token string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL()+"/.wsgate/ticket", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var got struct {
		Ticket string `json:"ticket"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Ticket == "" {
		t.Fatalf("no ticket: %d %v", res.StatusCode, err)
	}
	return got.Ticket
}
