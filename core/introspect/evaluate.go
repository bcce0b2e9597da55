package introspect

import (
	"fmt"
	"net/http"
	"strconv"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/token"
)

// rules are the compiled expressions.
type rules struct {
	active, inactive           *expr.Program
	subject, session, device   *expr.Program // session, device: nil where not configured
	aliases, login, end, claim *expr.Program // nil where not configured
	authed                     bool          // wsgate has credentials of its own there
	jwt                        bool          // some expression looks at jwt
	fields                     *expr.Fields  // of an answer, but for the claims
}

func newRules(c *Config) (*rules, error) {
	r := &rules{authed: c.Auth != nil}
	for _, e := range []struct {
		to   **expr.Program
		name string
		src  string
		kind expr.Kind
		want expr.Type
	}{
		{&r.active, "active_when", c.ActiveWhen, expr.Introspect, expr.Bool},
		{&r.inactive, "inactive_when", c.InactiveWhen, expr.Introspect, expr.Bool},
		{&r.subject, "subject", c.Subject, expr.IntrospectActive, expr.Taken},
		{&r.session, "session_id", c.SessionID, expr.IntrospectActive, expr.Taken},
		{&r.device, "device", c.Device, expr.IntrospectActive, expr.String},
		{&r.aliases, "aliases", c.Aliases, expr.IntrospectActive, expr.Names},
		{&r.login, "login_time", c.LoginTime, expr.IntrospectActive, expr.Time},
		{&r.end, "expires", c.Expires, expr.IntrospectActive, expr.Time},
		{&r.claim, "claims", c.Claims, expr.IntrospectActive, expr.Map},
	} {
		if e.src == "" {
			continue
		}
		p, err := expr.Compile(e.kind, e.src, e.want)
		if err != nil {
			return nil, fmt.Errorf("introspect: %s: %w", e.name, err)
		}
		*e.to = p
		r.jwt = r.jwt || p.UsesJWT()
	}
	r.fields = expr.FieldsOf(r.active, r.inactive, r.subject, r.session, r.device, r.aliases, r.login, r.end)
	return r, nil
}

// judge makes an Answer of a Response. The identity's device is left open where
// no expression says it.
func (r *rules) judge(res Response, tok token.Token, claims bool) Answer {
	switch s := res.Status; {
	case s >= 300 && s < 400:
		return failed(fmt.Errorf("%w: it redirects (status %d); the endpoint must answer itself", ErrAnswer, s))
	case s >= 500, s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		return failed(fmt.Errorf("%w: status %d", ErrAnswer, s))
	}
	v := expr.Vars{Status: res.Status, Headers: res.Header, Token: tok}
	want := r.fields
	if claims {
		want = expr.Everything
	}
	var err error
	if v.Body, err = expr.DecodeFields(res.Body, want); err != nil {
		v.NoBody = true
	}
	active, inactive := r.active.Bool(v), r.inactive.Bool(v)
	switch {
	case active && inactive:
		return failed(fmt.Errorf("%w: active_when and inactive_when both hold at status %d", ErrConfig, res.Status))
	case inactive:
		return Answer{Outcome: Inactive}
	case active:
		return r.identity(v, claims)
	case r.authed && (res.Status == http.StatusUnauthorized || res.Status == http.StatusForbidden):
		return failed(fmt.Errorf("%w (status %d)", ErrCredentials, res.Status))
	case v.NoBody:
		return failed(fmt.Errorf("%w: status %d and no JSON", ErrAnswer, res.Status))
	}
	return failed(fmt.Errorf("%w: status %d", ErrAnswer, res.Status))
}

func failed(err error) Answer { return Answer{Outcome: Error, Err: err} }

func (r *rules) identity(v expr.Vars, claims bool) Answer {
	if r.jwt {
		v.JWT, _ = expr.JWTClaims(v.Token)
	}
	id := &Identity{}
	var ok bool
	switch id.Subject, ok = r.subject.String(v); {
	case v.NoBody && !ok:
		return failed(fmt.Errorf("%w: active, but no JSON to take the subject from", ErrAnswer))
	case !ok || id.Subject == "":
		return failed(fmt.Errorf("%w: the token is active, but `subject %s` yields no text or whole number; make it name the account in the answer", ErrConfig, r.subject.Source()))
	case len(id.Subject) > MaxName:
		return failed(fmt.Errorf("%w: the subject is over %d bytes", ErrConfig, MaxName))
	}
	if r.session != nil {
		id.Session, _ = r.session.String(v)
	}
	if r.device != nil {
		device, _ := r.device.String(v)
		id.Device = asDevice(device)
	}
	id.Aliases = aliases(value(r.aliases, v))
	id.LoginTime = asTime(value(r.login, v))
	id.Expires = asTime(value(r.end, v))
	switch {
	case !claims:
		id.bare = true
	case r.claim != nil:
		id.Claims = value(r.claim, v)
	default:
		id.Claims = v.Body
	}
	return Answer{Outcome: Active, Identity: id}
}

func value(p *expr.Program, v expr.Vars) any {
	if p == nil {
		return nil
	}
	out, err := p.Value(v)
	if err != nil {
		return nil
	}
	return out
}

// aliases reads one name or a list of them, and leaves out what is none.
func aliases(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, x := range list {
		name := ""
		switch x := x.(type) {
		case string:
			name = x
		case int64:
			name = strconv.FormatInt(x, 10)
		case uint64:
			name = strconv.FormatUint(x, 10)
		}
		if name != "" && len(name) <= MaxName && len(out) < MaxAliases {
			out = append(out, name)
		}
	}
	return out
}
