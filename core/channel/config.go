package channel

import "github.com/wsgate/wsgate/core/conf"

// Account is the account watch command of a socket.
type Account struct {
	// Pattern is the command, such as `msg:{account}`.
	Pattern string `json:"pattern"`
	// Redis is the template of a Redis channel to relay. Default: none, the
	// watch relays nothing.
	Redis string `json:"redis,omitempty"`
}

// Config is one channel rule: what a client may ask for and which Redis channel
// that is.
type Config struct {
	// Pattern is the command, such as `data_imei:{id}`.
	Pattern string `json:"pattern"`
	// Redis is the template of the Redis channel; it may use the pattern's
	// parts, {user} and {claims.x}. Default: the command itself.
	Redis string `json:"redis,omitempty"`
	// Authorize decides whether this login may. Default: every login may ask
	// for what the pattern allows.
	Authorize *Authorize `json:"authorize,omitempty"`
	// Publish lets clients publish to the rule's Redis channel. Default: they may
	// not.
	Publish *Publish `json:"publish,omitempty"`
	// History keeps the channel's last messages on each node, so that a client
	// that was away gets what it missed. Default: none; where only Resume is set
	// 1000 messages for as long, where only Last is set 1 for an hour.
	History *History `json:"history,omitempty"`
	// Resume is how long a node remembers, for sockets of the protocol plain, where
	// one broke off, 1s to 24h: the login's next socket that asks for the channel
	// gets what came since. Default: not at all.
	Resume conf.Duration `json:"resume,omitempty"`
	// Last sends the newest message at subscribe. Default: false.
	Last bool `json:"last,omitempty"`
}

// Publish is a rule's permission to publish.
type Publish struct {
	// Authorize decides whether this login may publish. Default: the rule's own,
	// so that who may listen may publish.
	Authorize *Authorize `json:"authorize,omitempty"`
}

// Authorize is either When or Probe.
type Authorize struct {
	// When is CEL over user, claims, device, request and params.
	When string `json:"when,omitempty"`
	// Probe asks the backend, with the user's own token.
	Probe *Probe `json:"probe,omitempty"`
}

// Probe is a request to the backend that decides over a channel.
type Probe struct {
	Method string `json:"method"`
	// URI may use the pattern's parts, {user} and {claims.x}, path-escaped and
	// never in scheme or authority. A path alone is resolved against the
	// introspection endpoint's origin.
	URI string `json:"uri"`
	// AllowWhen is CEL over status, headers and body. Default: the preset's
	// active_when, else 2xx.
	AllowWhen string `json:"allow_when,omitempty"`
}
