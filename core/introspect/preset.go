package introspect

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/conf"
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
	// Observe are login requests, whose answers carry a new token.
	Observe []TokenRoute
	// Refresh are requests whose answers carry a token in place of an older one.
	Refresh []TokenRoute
	// Allow is CEL over status, headers and body by which an answer of the
	// backend's other pages means yes; "" means a status of 2xx.
	Allow string
	// Heartbeat is what the backend's own pages send and what they wait for; zero is
	// ping and pong.
	Heartbeat Heartbeat
}

// Route is a method and an exact path.
type Route struct {
	Method string
	Path   string
}

// TokenRoute is a request whose answer carries a token.
type TokenRoute struct {
	Route
	// Token is CEL over status, headers and body of the answer.
	Token string
	// Linked is CEL that yields another token of the same login, such as a refresh
	// token that the backend takes as a credential too; "" for none.
	Linked string
}

// Heartbeat is a text and its answer.
type Heartbeat struct {
	Text, Reply string
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
		return Preset{}, fmt.Errorf("introspect: preset %q is unknown: want one of %s", cfg.Preset, strings.Join(PresetNames(), ", "))
	}
	return p(), nil
}

// PresetNames are the names of all presets, sorted.
func PresetNames() []string { return slices.Sorted(maps.Keys(presets)) }

// presets make a new value each, so that nobody can change another's.
var presets = map[string]func() Preset{
	"rfc7662":       rfc7662,
	"keycloak":      keycloak,
	"hydra":         hydra,
	"oidc-userinfo": oidcUserinfo,
	"ruoyi":         ruoyi,
	"ruoyi-plus":    ruoyiPlus,
	"jeecg":         jeecg,
	"yudao":         yudao,
	"sa-token":      saToken,
	"sanctum":       sanctum,
	"drf":           drf,
}

var bearerParam = Param{In: inHeader, Name: "Authorization", Value: "Bearer " + tokenPlaceholder}

var jsonParam = Param{In: inHeader, Name: "Accept", Value: "application/json"}

// slides is the time after which a backend ends a login without requests.
func slides(d time.Duration) *conf.Duration {
	v := conf.Duration(d)
	return &v
}

// under puts each path under each prefix; "" is one.
func under(prefixes []string, routes ...Route) []Route {
	out := make([]Route, 0, len(prefixes)*len(routes))
	for _, p := range prefixes {
		for _, r := range routes {
			out = append(out, Route{r.Method, p + r.Path})
		}
	}
	return out
}
