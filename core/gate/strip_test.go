package gate

import (
	"net/http"
	"testing"

	"github.com/wsgate/wsgate/core/session"
)

// What is no socket on a socket's path goes to the backend without the tokens in its
// query, also where nobody judges it.
func TestUnjudgedRequestsToSocketPathsAreStripped(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*Config){
		"guard on":   func(*Config) {},
		"guard off":  func(c *Config) { c.Guard.Off = true },
		"guard pass": func(c *Config) { c.Guard.Pass = []session.Route{{Method: "*", Path: "/ws"}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, edit)
			n := s.node()
			path := "/ws?token=" + s.backend.Login("bob") + "&a=1"
			for _, r := range []*http.Request{
				n.request(http.MethodGet, path, ""),
				n.request(http.MethodOptions, path, "", "Origin", "http://app.example", "Access-Control-Request-Method", "GET"),
			} {
				n.do(r)
				all := s.backend.Requests()
				if last := all[len(all)-1]; last.Path != "/ws" || last.Query != "a=1" {
					t.Errorf("%s: the backend got another query", r.Method)
				}
			}
		})
	}
}
