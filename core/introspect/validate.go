package introspect

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/wsgate/wsgate/core/conf"
)

// The values of Param.In.
const (
	inHeader = "header"
	inForm   = "form"
	inQuery  = "query"
	inJSON   = "json"
	inCookie = "cookie"
)

// The bounds of Config.Sliding.
const (
	minSliding = 100 * time.Millisecond
	maxSliding = 365 * 24 * time.Hour
)

// Validate says what is wrong with the configuration, its CEL included, whatever its
// placeholders turn out to be.
func (c Config) Validate() error {
	preset, err := PresetFor(c)
	if err != nil {
		return err
	}
	inactiveGiven := c.InactiveWhen != "" || preset.Config.InactiveWhen != ""
	c = c.merge(preset.Config)
	if err := c.check(inactiveGiven); err != nil {
		return err
	}
	if !strings.Contains(c.URI, "{") {
		if _, err := parseURI(c.URI); err != nil {
			return err
		}
	}
	for _, p := range c.Send {
		if _, err := parseTemplate(p.Value, func(s string) (string, error) { return s, nil }); err != nil {
			return fmt.Errorf("introspect: send %s %s: %w", p.In, p.Name, err)
		}
	}
	_, err = newRules(&c)
	return err
}

// check says what is wrong with a merged configuration whose InactiveWhen was
// given or not. The URI is checked when its placeholders have been replaced.
func (c *Config) check(inactiveGiven bool) error {
	switch {
	case c.URI == "":
		return fmt.Errorf("introspect: an endpoint is needed, such as http://127.0.0.1:8080/getInfo")
	case c.Subject == "":
		return fmt.Errorf("introspect: subject is needed: say which part of the answer is the account, such as `subject body.user.id`, or name a preset")
	case *c.CacheTTL < 0, *c.NegativeTTL < 0, *c.StaleIfError < 0:
		return fmt.Errorf("introspect: cache_ttl, negative_ttl and stale_if_error can't be negative; 0 turns one off")
	case *c.Sliding < 0 || *c.Sliding > 0 && *c.Sliding < conf.Duration(minSliding) || *c.Sliding > conf.Duration(maxSliding):
		return fmt.Errorf("introspect: sliding must be from %v to %v, or 0 for off", minSliding, maxSliding)
	case c.SharedTokens != nil && *c.SharedTokens && c.SessionID != "":
		return fmt.Errorf("introspect: shared_tokens and session_id exclude each other: where the answer tells logins apart, they share no token")
	case c.Timeout < 0:
		return fmt.Errorf("introspect: timeout can't be negative")
	case c.MaxBody < 0:
		return fmt.Errorf("introspect: max_body can't be negative")
	case c.MaxInFlight < 0:
		return fmt.Errorf("introspect: max_in_flight can't be negative")
	case !isToken(c.Method):
		return fmt.Errorf("introspect: %q is no method: want GET, POST or the like", c.Method)
	}
	if err := c.checkSend(); err != nil {
		return err
	}
	if err := c.checkForward(); err != nil {
		return err
	}
	return c.checkAuth(inactiveGiven)
}

func (c *Config) checkSend() error {
	sent, seen, bodies := false, map[string]bool{}, map[string]bool{}
	for _, p := range c.Send {
		key := p.In + " " + p.Name
		switch p.In {
		case inHeader:
			key = strings.ToLower(key)
			if !isToken(p.Name) || hopByHop[strings.ToLower(p.Name)] {
				return fmt.Errorf("introspect: send header %q: that header can't be set", p.Name)
			}
		case inCookie:
			if !isToken(p.Name) {
				return fmt.Errorf("introspect: send cookie %q: that can't be the name of a cookie", p.Name)
			}
		case inForm, inJSON:
			bodies[p.In] = true
			if p.Name == "" {
				return fmt.Errorf("introspect: send %s needs a name", p.In)
			}
		case inQuery:
			if p.Name == "" {
				return fmt.Errorf("introspect: send query needs a name")
			}
		default:
			return fmt.Errorf("introspect: send %q: want header, form, query, json or cookie", p.In)
		}
		if seen[key] {
			return fmt.Errorf("introspect: send %s %s is there twice", p.In, p.Name)
		}
		seen[key] = true
		sent = sent || strings.Contains(p.Value, tokenPlaceholder)
	}
	switch {
	case !sent:
		return fmt.Errorf("introspect: no send has {token}: write for example `send header Authorization \"Bearer {token}\"`")
	case len(bodies) == 2:
		return fmt.Errorf("introspect: send form and send json exclude each other")
	case len(bodies) == 1 && (c.Method == http.MethodGet || c.Method == http.MethodHead):
		return fmt.Errorf("introspect: method %s has no body for form or json: leave method out, or send query", c.Method)
	}
	return nil
}

func (c *Config) checkForward() error {
	seen := map[string]bool{}
	for _, f := range c.ForwardHeaders {
		name := strings.ToLower(f.Name)
		if seen[name] {
			return fmt.Errorf("introspect: forward_header %s is there twice", f.Name)
		}
		seen[name] = true
		if !isToken(f.Name) || hopByHop[name] || name == "host" || strings.HasPrefix(name, "sec-websocket-") {
			return fmt.Errorf("introspect: forward_header %q: that header can't be forwarded", f.Name)
		}
		for _, p := range c.Send {
			if p.In == inHeader && strings.EqualFold(p.Name, f.Name) || p.In == inCookie && name == "cookie" {
				return fmt.Errorf("introspect: forward_header %s would overwrite send %s %s", f.Name, p.In, p.Name)
			}
		}
		if c.Auth != nil && name == "authorization" {
			return fmt.Errorf("introspect: forward_header %s would overwrite auth", f.Name)
		}
	}
	return nil
}

func (c *Config) checkAuth(inactiveGiven bool) error {
	if c.Auth == nil {
		return nil
	}
	switch c.Auth.Type {
	case "basic":
		if c.Auth.ID == "" || strings.Contains(c.Auth.ID, ":") {
			return fmt.Errorf("introspect: auth basic needs an id without a colon, and a secret")
		}
	case "bearer":
		if c.Auth.ID != "" || c.Auth.Secret == "" {
			return fmt.Errorf("introspect: auth bearer needs a token and nothing else")
		}
	default:
		return fmt.Errorf("introspect: auth %q: want basic or bearer", c.Auth.Type)
	}
	for _, p := range c.Send {
		if p.In == inHeader && strings.EqualFold(p.Name, "Authorization") {
			return fmt.Errorf("introspect: auth needs the Authorization header, which carries the token: send the token elsewhere, such as `send form token {token}`")
		}
	}
	if !inactiveGiven {
		return fmt.Errorf("introspect: with auth, status 401 speaks of wsgate's own credentials: say inactive_when, such as `inactive_when body.active == false`")
	}
	return nil
}

// parseURI checks the endpoint once its placeholders have been replaced. Errors
// don't hold it, for it may hold a secret.
func parseURI(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("introspect: the endpoint is no URL: want http:// or https://, a host and a path")
	case u.User != nil:
		return nil, fmt.Errorf("introspect: the endpoint holds a user: write `auth basic <id> <secret>` instead")
	case u.Fragment != "":
		return nil, fmt.Errorf("introspect: the endpoint has a fragment")
	}
	return u, nil
}

func isToken(s string) bool { return s != "" && httpguts.ValidHeaderFieldName(s) }

// hopByHop headers are the transport's own.
var hopByHop = map[string]bool{
	"connection": true, "content-length": true, "expect": true, "keep-alive": true, "proxy-connection": true,
	"te": true, "trailer": true, "transfer-encoding": true, "upgrade": true,
}
