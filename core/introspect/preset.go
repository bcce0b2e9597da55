package introspect

import (
	"fmt"
	"sort"
	"strings"

	"github.com/wsgate/wsgate/core/token"
)

// Preset is what is known of one kind of backend.
type Preset struct {
	// Config has the preset's own values, and nothing where it has none.
	Config Config
	// Tokens are the backend's spellings; empty means the usual ones.
	Tokens []token.Source
	// Reject is how the backend itself refuses a token; nil is the usual 401.
	Reject *Rejection
	// Pass are requests that are never judged: the ways back in.
	Pass []Route
	// Logout are requests that end a login.
	Logout []Route
	// Allow is CEL over status, headers and body by which an answer of the
	// backend's other pages means yes; "" means a status of 2xx.
	Allow string
}

// Route is a method and an exact path.
type Route struct {
	Method string
	Path   string
}

// Rejection is a backend's own answer to a dead token.
type Rejection struct {
	Status      int
	Headers     []Header
	ContentType string
	Body        string
}

// Header is one response header.
type Header struct {
	Name  string
	Value string
}

// PresetFor returns the preset that a configuration names, or an empty one. An
// unknown name is an error that lists the known ones.
func PresetFor(cfg Config) (Preset, error) {
	if cfg.Preset == "" {
		return Preset{}, nil
	}
	p, ok := presets[cfg.Preset]
	if !ok {
		var names []string
		for name := range presets {
			names = append(names, name)
		}
		sort.Strings(names)
		return Preset{}, fmt.Errorf("introspect: preset %q is not available in this version: want one of %s", cfg.Preset, strings.Join(names, ", "))
	}
	return p(), nil
}

// presets make a new value each, so that nobody can change another's.
var presets = map[string]func() Preset{
	"rfc7662":       rfc7662,
	"ruoyi":         ruoyi,
	"sanctum":       sanctum,
	"oidc-userinfo": oidcUserinfo,
}

var bearerParam = Param{In: inHeader, Name: "Authorization", Value: "Bearer " + tokenPlaceholder}

// rfc7662 is OAuth 2.0 Token Introspection. The status 401 speaks of the caller
// there (section 2.3), so only `active` says something of the token.
//
// The session id is `sid`, which Keycloak and others add, and without it the
// token itself. `jti` is no session id: it names the token, so a refreshed token
// has another, and it would add nothing but the harm of a server that gives one
// twice. `username` is no alias, since nothing says that it is unique.
func rfc7662() Preset {
	return Preset{Config: Config{
		Method:       "POST",
		Send:         []Param{{In: inForm, Name: "token", Value: tokenPlaceholder}, {In: inHeader, Name: "Accept", Value: "application/json"}},
		ActiveWhen:   "status == 200 && body.active == true",
		InactiveWhen: "status == 200 && body.active == false",
		Subject:      "body.sub",
		SessionID:    "body.sid",
		Expires:      "body.exp",
	}}
}

// oidcUserinfo is the UserInfo endpoint of OpenID Connect Core section 5.3. Its
// answer says nothing of the login; a JWT that the endpoint has accepted does,
// where it has sid and exp.
func oidcUserinfo() Preset {
	return Preset{Config: Config{
		Method:       "GET",
		Send:         []Param{bearerParam, {In: inHeader, Name: "Accept", Value: "application/json"}},
		ActiveWhen:   "status == 200",
		InactiveWhen: "status == 401",
		Subject:      "body.sub",
		SessionID:    "jwt.sid",
		Expires:      "jwt.exp",
	}}
}

// sanctum is Laravel Sanctum. Without an Accept header Laravel answers a bad
// token with a redirect to its login page.
//
// Sanctum looks a token up by the number before the bar, which it compares as a
// number, or by the text behind it if there is no bar: `1|x`, `01|x` and `x` are
// one login. The text behind the first bar is what they have in common.
func sanctum() Preset {
	return Preset{
		Config: Config{
			Method:       "GET",
			Send:         []Param{bearerParam, {In: inHeader, Name: "Accept", Value: "application/json"}},
			ActiveWhen:   "status == 200",
			InactiveWhen: "status == 401",
			Subject:      "body.id",
			SessionID:    "token.contains('|') ? token.substring(token.indexOf('|') + 1) : token",
		},
		Reject: &Rejection{Status: 401, ContentType: "application/json", Body: `{"message":"Unauthenticated."}`},
		Pass: []Route{
			{"POST", "/login"},
			{"POST", "/api/login"},
			{"POST", "/register"},
			{"POST", "/api/register"},
			{"GET", "/sanctum/csrf-cookie"},
		},
		Logout: []Route{{"POST", "/logout"}, {"POST", "/api/logout"}},
	}
}

// ruoyi is RuoYi-Vue: the status is always 200, the code is in the body, and the
// header may have the token bare. Its JWT has no time in it; `loginTime` in the
// backend's session changes with every refresh, so it is no login time.
//
// The page keeps the token in a cookie, Admin-Token, but the backend reads the
// header only. A cookie that is no credential there is none here: it would have
// the page itself refused, its scripts and images, and the login page with them.
//
// The paths are there with and without /prod-api, the prefix that RuoYi's own
// build gives them and that a proxy removes.
func ruoyi() Preset {
	p := Preset{
		Config: Config{
			Method:       "GET",
			Send:         []Param{bearerParam, {In: inHeader, Name: "Accept", Value: "application/json"}},
			ActiveWhen:   "status == 200 && body.code == 200",
			InactiveWhen: "status == 200 && body.code == 401",
			Subject:      "body.user.userId",
			Aliases:      "body.user.userName",
			SessionID:    "jwt.login_user_key",
		},
		Tokens: []token.Source{
			{Kind: token.Header, Name: "Authorization", Scheme: "Bearer", SchemeOptional: true},
			{Kind: token.Query, Name: "token"},
			{Kind: token.Subprotocol},
		},
		Reject: &Rejection{
			Status: 200, ContentType: "application/json;charset=utf-8",
			Body: `{"msg":"认证失败，无法访问系统资源","code":401}`,
		},
		Allow: "status == 200 && body.code == 200",
	}
	for _, prefix := range []string{"", "/prod-api"} {
		p.Pass = append(p.Pass, Route{"POST", prefix + "/login"}, Route{"POST", prefix + "/register"}, Route{"GET", prefix + "/captchaImage"})
		p.Logout = append(p.Logout, Route{"POST", prefix + "/logout"})
	}
	return p
}
