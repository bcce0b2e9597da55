package introspect

import (
	"encoding/json"

	"github.com/wsgate/wsgate/core/conf"
)

// Config says how to ask the backend whose a token is.
type Config struct {
	// URI is the backend's introspection endpoint, http or https. Placeholders
	// such as {env.X} are replaced when the configuration is loaded. Required.
	URI string `json:"uri"`

	// Preset fills in everything below for a known backend: `rfc7662`, `keycloak`,
	// `hydra`, `oidc-userinfo`, `ruoyi`, `ruoyi-plus`, `jeecg`, `yudao`, `sa-token`,
	// `sanctum` or `drf`. What is set here wins. Default: none.
	Preset string `json:"preset,omitempty"`

	// Method is the HTTP method. Default: GET, or POST where a form or JSON
	// parameter is sent.
	Method string `json:"method,omitempty"`

	// Send places the token, and other values, into the request. Default:
	// `header Authorization "Bearer {token}"`.
	Send []Param `json:"send,omitempty"`

	// ForwardHeaders are copied from the client's request. Default: none.
	ForwardHeaders []ForwardHeader `json:"forward_headers,omitempty"`

	// Auth is how wsgate itself authenticates to the endpoint. Default: none.
	Auth *Auth `json:"auth,omitempty"`

	// ActiveWhen is CEL over status, headers and body: the token is active.
	// Default: `status >= 200 && status < 300`.
	ActiveWhen string `json:"active_when,omitempty"`

	// InactiveWhen is CEL over status, headers and body: the token is not
	// active. Where neither expression holds the answer is an error. Default:
	// `status == 401`.
	InactiveWhen string `json:"inactive_when,omitempty"`

	// Subject is CEL that yields the account. Required unless a preset has it.
	Subject string `json:"subject,omitempty"`

	// Aliases is CEL that yields one more name of the account, or a list of
	// names, that a page may use in its watch command. Default: none.
	Aliases string `json:"aliases,omitempty"`

	// SessionID is CEL that yields the identity of the login, stable over token
	// refreshes. Default: the token itself (of a JWT, its signed part).
	SessionID string `json:"session_id,omitempty"`

	// SharedTokens says that the backend hands the same token to every login of an
	// account. A login is then the token in one browser, told by its device cookie,
	// and only an observed login displaces. Default: the preset's, true for `drf`,
	// else false.
	SharedTokens *bool `json:"shared_tokens,omitempty"`

	// LoginTime is CEL that yields when the login happened: seconds or
	// milliseconds since 1970, a CEL timestamp, or RFC 3339. Default: unknown.
	LoginTime string `json:"login_time,omitempty"`

	// Expires is CEL that yields when the token ends, in the forms of
	// LoginTime. Default: unknown.
	Expires string `json:"expires,omitempty"`

	// Device is CEL that yields `pc`, `mobile`, `tablet`, `app` or `other`.
	// Default: from the user agent.
	Device string `json:"device,omitempty"`

	// Claims is CEL that yields the map that other expressions see as `claims`.
	// Default: the whole answer body.
	Claims string `json:"claims,omitempty"`

	// CacheTTL is how long an active answer is believed. Default: 30s.
	CacheTTL *conf.Duration `json:"cache_ttl,omitempty"`

	// NegativeTTL is how long an inactive answer is believed. Default: 5s.
	NegativeTTL *conf.Duration `json:"negative_ttl,omitempty"`

	// StaleIfError is how long past CacheTTL an active answer still serves
	// while the endpoint fails. Default: 60s.
	StaleIfError *conf.Duration `json:"stale_if_error,omitempty"`

	// Sliding is how long a login with a socket must be without a request for the
	// endpoint to be asked about it once more: a question is a request to backends
	// that renew a login with each, and so keeps an idle one alive. 0 never asks.
	// Default: the preset's, else 0.
	Sliding *conf.Duration `json:"sliding,omitempty"`

	// Timeout bounds one call, body included. Default: 5s.
	Timeout conf.Duration `json:"timeout,omitempty"`

	// MaxBody is how many bytes of an answer are read; a longer answer is an
	// error. Default: 1048576.
	MaxBody int64 `json:"max_body,omitempty"`

	// MaxInFlight bounds concurrent calls; half of them are kept for tokens of
	// known accounts. Default: 64.
	MaxInFlight int `json:"max_in_flight,omitempty"`

	// Transport is how the endpoint is connected to: what reverse_proxy has as its
	// transport, `{"protocol": "http", …}`, with TLS settings, time-outs and the like.
	// The server around the gate makes it; see Client.SetTransport. Default: the
	// system's certificate authorities, and connections kept for a minute.
	Transport json.RawMessage `json:"transport,omitempty"`
}

// Param is one value of the introspection request.
type Param struct {
	// In is `header`, `form`, `query`, `json` or `cookie`.
	In string `json:"in"`
	// Name is that of the header, field or cookie.
	Name string `json:"name"`
	// Value is a template in which {token} is the token.
	Value string `json:"value"`
}

// ForwardHeader is a header that is copied from the client's request.
type ForwardHeader struct {
	// Name is the header's.
	Name string `json:"name"`
	// Query is the parameter that stands in for it on a socket, whose headers a
	// browser can't set. Default: none.
	Query string `json:"query,omitempty"`
}

// Auth is wsgate's own credential at the introspection endpoint.
type Auth struct {
	// Type is `basic` or `bearer`.
	Type string `json:"type"`
	// ID is the user of `basic`. Placeholders are replaced.
	ID string `json:"id,omitempty"`
	// Secret is the password of `basic` or the token of `bearer`. Use a
	// placeholder such as {env.SECRET}; it is replaced at load.
	Secret string `json:"secret,omitempty"`
}
