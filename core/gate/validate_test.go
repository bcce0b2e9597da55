package gate

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/redisconn"
	"github.com/wsgate/wsgate/core/session"
)

// What Open and NewSite would refuse, Validate finds, without Redis, a backend or the
// environment.
func TestValidateFindsEverything(t *testing.T) {
	t.Parallel()
	good := func() Config {
		return Config{
			Redis:      redisconn.Config{URLs: []string{"{env.UNSET_HERE}"}, Password: "{env.UNSET_HERE}"},
			Introspect: introspect.Config{URI: "http://{env.UNSET_HERE}/me", Subject: "body.id"},
			Sockets:    []Socket{{Path: "/ws", Channels: []channel.Config{{Pattern: "a:{id}"}}}},
			SSE:        []Socket{{Path: "/events", Channels: []channel.Config{{Pattern: "a:{id}"}}}},
		}
	}
	if _, set := os.LookupEnv("UNSET_HERE"); set {
		t.Fatal("UNSET_HERE is set")
	}
	if err := good().Validate(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		edit func(*Config)
		want string
	}{
		"redis":            {func(c *Config) { c.Redis.URLs = []string{"http://x"} }, "redis"},
		"redis client key": {func(c *Config) { c.Redis.TLSKey = "key.pem" }, "tls_cert and tls_key"},
		"endpoint":         {func(c *Config) { c.Introspect.URI = "ftp://x/me" }, "no URL"},
		"preset":           {func(c *Config) { c.Introspect.Preset = "spring" }, "spring"},
		"subject":          {func(c *Config) { c.Introspect.Subject = "bdy.id" }, "subject"},
		"active_when":      {func(c *Config) { c.Introspect.ActiveWhen = "status ==" }, "active_when"},
		"no subject":       {func(c *Config) { c.Introspect.Subject = "" }, "subject is needed"},
		"send":             {func(c *Config) { c.Introspect.Send = []introspect.Param{{In: "body", Name: "a", Value: "{token}"}} }, "send"},
		"origin":           {func(c *Config) { c.Origins = []string{"app.example.com"} }, "scheme and host only"},
		"forward":          {func(c *Config) { c.Guard.Forward = []Forward{{Header: "X-User", Value: "usr"}} }, "forward"},
		"observe": {func(c *Config) {
			c.Login.Observe = []session.Observe{{Route: session.Route{Method: "POST", Path: "/login"}, Token: "bdy.token"}}
		}, "login observe POST /login"},
		"refresh": {func(c *Config) {
			c.Login.Refresh = []session.Refresh{{Route: session.Route{Method: "POST", Path: "/refresh"}, New: "body.token", Old: "bdy.old"}}
		}, "login refresh POST /refresh"},
		"exempt":  {func(c *Config) { c.Login.Exempt = "usr" }, "login exempt"},
		"pattern": {func(c *Config) { c.Sockets[0].Channels[0].Pattern = "a:{host}" }, "socket /ws"},
		"when":    {func(c *Config) { c.Sockets[0].Channels[0].Authorize = &channel.Authorize{When: "usr"} }, "socket /ws"},
		"join":    {func(c *Config) { c.Sockets[0].Join = []string{"user:{usr}"} }, "socket /ws"},
		"stream":  {func(c *Config) { c.SSE[0].Channels[0].Pattern = "a:{host}" }, "sse /events"},
		"query":   {func(c *Config) { c.Sockets[0].Path = "/ws?a" }, "without a query"},
		"star":    {func(c *Config) { c.SSE[0].Path = "/events/*" }, "takes no *"},
		"ping":    {func(c *Config) { c.Sockets[0].Ping = 1 }, "too short"},
		"beat":    {func(c *Config) { c.Sockets[0].Heartbeat = &Heartbeat{Reply: "pong"} }, "reply to nothing"},
		"shadow":  {func(c *Config) { c.Sockets[0].Channels[0].Pattern = "ping" }, "text of the heartbeat"},
		"pass":    {func(c *Config) { c.Guard.Pass = []session.Route{{Method: "GET", Path: "/a/*.js"}} }, "ends in /*"},
		"passes": {func(c *Config) {
			c.Guard.Pass = []session.Route{{Method: "GET", Path: "/a"}, {Method: "GET", Path: "/a"}}
		}, "stands twice"},
		"own":     {func(c *Config) { c.Guard.Forward = []Forward{{Header: "host", Value: "user"}} }, "connection's own"},
		"same":    {func(c *Config) { c.Guard.Forward = []Forward{{"X-User", "user"}, {"x-user", "user"}} }, "stands twice"},
		"off":     {func(c *Config) { c.Login.Policy, c.Guard.Reject = session.PolicyOff, &Reject{} }, "login off ends no login"},
		"unsaid":  {func(c *Config) { c.Login.Policy, c.SSE[0].Messages.Kicked = session.PolicyOff, new(string) }, "login off ends no login"},
		"place":   {func(c *Config) { c.Endpoints = "/gate?a" }, "path prefix"},
		"origins": {func(c *Config) { c.Origins = []string{"https://*.example.com"} }, "takes no *"},
		"account": {func(c *Config) { c.Introspect.Subject = "'body.id'" }, "constant"},
		"pages":   {func(c *Config) { c.AdminSessions = &AdminSessions{Path: "/all", Allow: "usr"} }, "admin_sessions /all"},
		"dept":    {func(c *Config) { c.AdminSessions = &AdminSessions{Path: "/all", Allow: "true", Dept: "usr"} }, "dept"},
	} {
		cfg := good()
		c.edit(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, c.want)
		}
	}
}

// Handlers of one gate may write a default out or leave it out.
func TestNoConflictOverDefaults(t *testing.T) {
	t.Parallel()
	said := Config{
		Redis:      redisconn.Config{URLs: []string{"redis://127.0.0.1:6379"}},
		Introspect: introspect.Config{URI: "http://127.0.0.1/me", Subject: "body.id", Method: "get", CacheTTL: new(conf.Duration(30 * time.Second))},
		Login:      session.Config{Policy: session.PolicyNewest, Limit: 1, Per: session.PerAccount, Fail: session.FailOpen, Remember: conf.Duration(session.DefaultRemember)},
		Drain:      new(conf.Duration(10 * time.Second)),
	}
	left := Config{Introspect: introspect.Config{URI: "http://127.0.0.1/me", Subject: "body.id"}}
	if err := said.Conflict(left); err != nil {
		t.Error(err)
	}
	for name, edit := range map[string]func(*Config){
		"login":      func(c *Config) { c.Login.Limit = 2 },
		"redis":      func(c *Config) { c.Redis.URLs = []string{"redis://127.0.0.1:6380"} },
		"introspect": func(c *Config) { c.Introspect.CacheTTL = new(conf.Duration(time.Second)) },
		"drain":      func(c *Config) { c.Drain = new(conf.Duration(0)) },
	} {
		other := left
		edit(&other)
		if err := said.Conflict(other); err == nil || !strings.Contains(err.Error(), "differ in "+name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
