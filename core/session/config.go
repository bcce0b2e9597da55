package session

import (
	"github.com/wsgate/wsgate/core/conf"
)

// Config is the login policy.
type Config struct {
	// Policy is `newest` (a newer login displaces the older one), `oldest` (a newer
	// login is denied) or `off`. Default: newest.
	Policy string `json:"policy,omitempty"`

	// Limit is how many logins may be live at the same time. Default: 1.
	Limit int `json:"limit,omitempty"`

	// Per says what the limit is of: `account`, or `device`, one class of device of
	// an account. Default: account.
	Per string `json:"per,omitempty"`

	// Exempt is CEL over user, claims, device and request; where it holds a login
	// takes no seat. Default: none does.
	Exempt string `json:"exempt,omitempty"`

	// Grace is how long a displaced login may still read (GET, HEAD, OPTIONS), but
	// not write. Default: 0s.
	Grace conf.Duration `json:"grace,omitempty"`

	// Observe are the backend's login requests, whose answers carry a new token.
	Observe []Observe `json:"observe,omitempty"`

	// Refresh are the backend's token refresh requests.
	Refresh []Refresh `json:"refresh,omitempty"`

	// Logout are the backend's logout requests.
	Logout []Route `json:"logout,omitempty"`

	// Remember is how long a displaced login of unknown expiry stays refused.
	// Default: 720h.
	Remember conf.Duration `json:"remember,omitempty"`

	// Fail is what happens while Redis or the introspection endpoint is down:
	// `open` lets requests through to the backend, `closed` answers 503.
	// Default: open.
	Fail string `json:"fail,omitempty"`
}

// Route is a method and an exact path of the backend.
type Route struct {
	Method string `json:"method"`
	Path   string `json:"path"`
}

// Observe is a login request whose answer carries the token.
type Observe struct {
	Route
	// Token is CEL over status, headers and body of the answer; it yields the
	// new token.
	Token string `json:"token"`
}

// Refresh is a refresh request.
type Refresh struct {
	Route
	// New is CEL over status, headers and body of the answer; it yields the
	// new token.
	New string `json:"new"`
	// Old is CEL over headers and body of the request (status is 0); it yields
	// the token that is being replaced. Default: the token that the request
	// itself carries.
	Old string `json:"old,omitempty"`
}
