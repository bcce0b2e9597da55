package caddymodule

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestJSON loads handlers written as JSON; Caddy's names for what is wrong must
// lead to the place.
func TestJSON(t *testing.T) {
	const me = `"introspect":{"uri":"http://127.0.0.1:2/me","subject":"body.id"}`
	const tls = `"introspect":{"uri":"https://127.0.0.1:2/me","subject":"body.id","transport":`
	for _, tc := range []struct{ name, handler, wantErr string }{
		{"whole", me + `,"drain":"0s","sockets":[{"path":"/ws","channels":[{"pattern":"a:{id}"}]}]`, ""},
		{"unknown field", me + `,"sokets":[]`, `unknown field "sokets"`},
		{"unknown inner field", `"introspect":{"url":"http://127.0.0.1:2/me"}`, `unknown field "url"`},
		{"duration", me + `,"drain":"soon"`, "invalid duration"},
		{"no introspection", `"name":"a"`, "introspect is missing"},
		{"no subject", `"introspect":{"uri":"http://127.0.0.1:2/me"}`, "subject is needed"},
		{"oldest", me + `,"login":{"policy":"oldest","limit":2,"per":"device","exempt":"device == 'app'"}`, ""},
		{"policy", me + `,"login":{"policy":"last"}`, "newest, oldest or off"},
		{"limit", me + `,"login":{"limit":1001}`, "1 to 1000"},
		{"exempt", me + `,"login":{"exempt":"usr"}`, "undeclared reference to 'usr'"},
		{"cluster", me + `,"redis":{"urls":["redis://a:1","redis://b:1"]}`, ""},
		{"cluster database", me + `,"redis":{"urls":["redis://a:1/1","redis://b:1/1"]}`, "no database but 0"},
		{"sentinel", me + `,"redis":{"urls":["redis://a:1","redis://b:1"],"sentinel":"m"}`, ""},
		{"cel", me + `,"guard":{"forward":[{"header":"X-User","value":"usr"}]}`, "undeclared reference to 'usr'"},
		{"pattern", me + `,"sockets":[{"path":"/ws","channels":[{"pattern":"a:{host}"}]}]`, "{host}"},
		{"history", me + `,"sockets":[{"path":"/ws","channels":[{"pattern":"a:{id}","history":{"messages":10,"for":"1m"},"resume":"30s","last":true}]}]`, ""},
		{"history without a time", me + `,"sockets":[{"path":"/ws","channels":[{"pattern":"a:{id}","history":{"messages":10}}]}]`, "1s to 24h"},
		{"history without a number", me + `,"sockets":[{"path":"/ws","channels":[{"pattern":"a:{id}","history":{"for":"1m"}}]}]`, "1 to 100000"},
		{"resume", me + `,"sockets":[{"path":"/ws","channels":[{"pattern":"a:{id}","resume":"-1s"}]}]`, "1s to 24h"},
		{"origin", me + `,"origins":["null"]`, `origin "null"`},
		{"protocol", me + `,"sockets":[{"path":"/ws","protocol":"stomp"}]`, "want plain or centrifuge"},
		{"centrifuge", me + `,"sockets":[{"path":"/ws","protocol":"centrifuge","errors":false}]`, "protocol plain"},
		{"pages", me + `,"sessions":{"path":"/my"},"admin_sessions":{"path":"/all","allow":"'admin' in claims.roles","format":"ruoyi"}`, ""},
		{"page", me + `,"sessions":{"path":"my"}`, "begins with a slash"},
		{"administrators", me + `,"admin_sessions":{"path":"/all"}`, "allow is missing"},
		{"administrators' cel", me + `,"admin_sessions":{"path":"/all","allow":"usr"}`, "admin_sessions /all: allow: expr"},
		{"department", me + `,"admin_sessions":{"path":"/all","allow":"true","dept":"usr"}`, "admin_sessions /all: dept: expr"},
		{"format", me + `,"admin_sessions":{"path":"/all","allow":"true","format":"xml"}`, "plain or ruoyi"},
		{"sources", me + `,"tokens":[{"kind":"header","name":"Authorization","scheme":"Bearer"},{"kind":"subprotocol","bare":true},{"kind":"path","pattern":"/ws/{token}"},{"kind":"first_message"},{"kind":"ticket"}],"sockets":[{"path":"/ws/{token}"}]`, ""},
		{"source of a path", me + `,"tokens":[{"kind":"path","pattern":"/ws/x{token}"}],"sockets":[{"path":"/ws"}]`, "can't stand there"},
		{"source of another path", me + `,"tokens":[{"kind":"path","pattern":"/ws/{token}"}],"sockets":[{"path":"/ws"}]`, "no socket has that path"},
		{"bare header", me + `,"tokens":[{"kind":"header","name":"X-Token","bare":true}]`, "can't be bare"},
		{"first message for nobody", me + `,"tokens":[{"kind":"first_message"}]`, "no socket of protocol plain"},
		{"token", me + `,"tokens":[{"kind":"ticket"}]`, "ticket"},
		{"sliding", `"introspect":{"uri":"http://127.0.0.1:2/me","subject":"body.id","sliding":"30m"}`, ""},
		{"sliding too short", `"introspect":{"uri":"http://127.0.0.1:2/me","subject":"body.id","sliding":"1ms"}`, "sliding must be from"},
		{"sliding without logins", `"introspect":{"uri":"http://127.0.0.1:2/me","subject":"body.id","sliding":"30m"},"login":{"policy":"off"}`, "keeps no logins"},
		{"shared tokens", `"introspect":{"uri":"http://127.0.0.1:2/me","subject":"body.id","shared_tokens":true}`, "see logins begin"},
		{"transport", tls + `{"protocol":"http","tls":{},"dial_timeout":"2s"}}`, ""},
		{"transport protocol", tls + `{"protocol":"fastcgi"}}`, "only the protocol http"},
		{"transport field", tls + `{"protocol":"http","retries":1}}`, `unknown field "retries"`},
		{"transport file", tls + `{"protocol":"http","tls":{"ca":{"provider":"file","pem_files":["/nonexistent"]}}}}`, "/nonexistent"},
		{"transport of no client", tls + `{"protocol":"http","proxy_protocol":"v1"}}`, "leave it out"},
		{"transport without TLS", `"introspect":{"uri":"http://127.0.0.1:2/me","subject":"body.id","transport":{"protocol":"http","tls":{}}}`, "need an endpoint of https://"},
		{"placeholder", me + `,"secret":"{env.WSGATE_TEST_UNSET}"`, "WSGATE_TEST_UNSET"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var cfg caddy.Config
			raw := `{"admin":{"disabled":true},"logging":{"logs":{"default":{"writer":{"output":"discard"}}}},"apps":{"http":{"servers":{"s":{
				"listen":["127.0.0.1:1"],"routes":[{"handle":[{"handler":"wsgate",` + tc.handler + `}]}]}}}}}`
			if err := json.Unmarshal([]byte(raw), &cfg); err != nil {
				t.Fatal(err)
			}
			err := caddy.Validate(&cfg)
			switch {
			case tc.wantErr == "" && err != nil:
				t.Fatal(err)
			case tc.wantErr != "" && (err == nil || !strings.Contains(err.Error(), tc.wantErr)):
				t.Fatalf("got %v, want an error with %q", err, tc.wantErr)
			}
			if n, ok := gates.References("default"); ok {
				t.Errorf("the gate is still held %d times", n)
			}
		})
	}
}
