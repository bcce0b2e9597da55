package gate

import (
	"time"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/redisconn"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// Config is the whole configuration of one wsgate handler.
type Config struct {
	// Name is that of the gate: handlers and reloads with one name share
	// sockets, Redis links, caches, and the realm of keys and accounts.
	// Default: default.
	Name string `json:"name,omitempty"`

	// Redis is where logins are kept and messages come from.
	Redis redisconn.Config `json:"redis,omitzero"`

	// KeyPrefix is that of every key and control channel of wsgate's own.
	// Default: wsgate:
	KeyPrefix string `json:"key_prefix,omitempty"`

	// Secret signs device cookies and keys the fingerprints; equal on all
	// nodes. Use a placeholder such as {env.X}. Default: derived from the realm.
	Secret string `json:"secret,omitempty"`

	// Introspect is how to ask the backend whose a token is. Required.
	Introspect introspect.Config `json:"introspect,omitzero"`

	// Tokens are the places where a token may be. Default: the preset's, else
	// subprotocol, header Authorization Bearer, query token.
	Tokens []token.Source `json:"tokens,omitempty"`

	// Login is the login policy.
	Login session.Config `json:"login,omitzero"`

	// Sockets are the paths where a socket may be opened.
	Sockets []Socket `json:"sockets,omitempty"`

	// SSE are the paths of event streams. What only sockets have is an error:
	// protocol, heartbeat, compression, and of a channel resume and publish.
	SSE []Socket `json:"sse,omitempty"`

	// Guard is what plain HTTP requests meet.
	Guard Guard `json:"guard,omitzero"`

	// Sessions is where users see and end their own logins. Default: nowhere.
	Sessions *Sessions `json:"sessions,omitempty"`

	// AdminSessions is where administrators of the site see and end everybody's
	// logins. Default: nowhere.
	AdminSessions *AdminSessions `json:"admin_sessions,omitempty"`

	// Origins are the allowed Origin values of sockets, such as
	// https://app.example.com. Default: the same host and port, and no http
	// page on a TLS site.
	Origins []string `json:"origins,omitempty"`

	// Limits bound what clients may use.
	Limits Limits `json:"limits,omitzero"`

	// Endpoints is the path prefix of wsgate's own endpoints, healthz and
	// readyz. Default: /.wsgate
	Endpoints string `json:"endpoints,omitempty"`

	// Drain is how long a shutdown spreads its closes. Default: 10s.
	Drain *conf.Duration `json:"drain,omitempty"`
}

func (c *Config) drain() time.Duration { return conf.DurationOr(c.Drain, 10*time.Second) }

// Socket is one socket path and what may be asked for there.
type Socket struct {
	// Path is the exact original path. Required.
	Path string `json:"path"`
	// Protocol is `plain` or `centrifuge`. Default: plain.
	Protocol string `json:"protocol,omitempty"`
	// Account is the account watch. Default: none.
	Account *channel.Account `json:"account,omitempty"`
	// Channels are the subscribe commands.
	Channels []channel.Config `json:"channels,omitempty"`
	// Join are templates of Redis channels that every socket listens to from the
	// start, such as `user:{user}`. They may use {user} and {claims.x}. Default:
	// none.
	Join []string `json:"join,omitempty"`
	// Heartbeat is the text that a client sends to see whether the gate lives,
	// and the answer. Default: ping, pong.
	Heartbeat *Heartbeat `json:"heartbeat,omitempty"`
	// Messages are the texts that tell a client why it is being closed.
	Messages Messages `json:"messages,omitzero"`
	// Errors tells clients of refused commands. Default: true.
	Errors *bool `json:"errors,omitempty"`
	// Compression allows permessage-deflate to clients that offer it: fewer
	// bytes for more CPU time. Default: false.
	Compression bool `json:"compression,omitempty"`
	// Ping is the interval of protocol pings; a client that is silent for two
	// of them is closed. Default: 25s.
	Ping conf.Duration `json:"ping,omitempty"`
}

// Heartbeat is a text and its answer.
type Heartbeat struct {
	Text  string `json:"text"`
	Reply string `json:"reply"`
}

// Messages are sent before a close. A nil one is the default. All may have {reason}
// and {message}; Displaced and Kicked {at}, and Displaced {by_ip} and {by_device}. A
// text that is JSON is filled in as JSON.
type Messages struct {
	// Displaced tells of a newer login. Default: loginOut.
	Displaced *string `json:"displaced,omitempty"`
	// Kicked tells of an administrator. Default: loginOut.
	Kicked *string `json:"kicked,omitempty"`
	// Expired tells of a token that ended. Default: none.
	Expired *string `json:"expired,omitempty"`
	// Gap tells that messages of the client's channels may have been lost.
	// Default: none.
	Gap *string `json:"gap,omitempty"`
}

// Guard is what plain HTTP requests meet.
type Guard struct {
	// Off lets every request through. Default: false.
	Off bool `json:"off,omitempty"`
	// Pass are requests that are never judged. The method may be `*`, and the path may
	// end in `/*`: then it is all that lies below.
	Pass []session.Route `json:"pass,omitempty"`
	// Reject is the answer to a displaced or kicked login. Default: the preset's,
	// else 401.
	Reject *Reject `json:"reject,omitempty"`
	// RejectDisplaced is that to a displaced one. Default: Reject.
	RejectDisplaced *Reject `json:"reject_displaced,omitempty"`
	// RejectKicked is that to a kicked one. Default: Reject.
	RejectKicked *Reject `json:"reject_kicked,omitempty"`
	// Forward are headers set for the backend, by CEL.
	Forward []Forward `json:"forward,omitempty"`
}

// Reject is the answer to a request of a displaced or kicked login.
type Reject struct {
	// Status is the HTTP status. Default: 401, or 302 with Redirect.
	Status int `json:"status,omitempty"`
	// Headers are added.
	Headers []HeaderValue `json:"headers,omitempty"`
	// ContentType and Body are the answer's body. The body may have {reason},
	// {message}, {by_ip}, {by_device} and {at}, which are escaped where it is JSON
	// or HTML. Default: JSON.
	ContentType string `json:"content_type,omitempty"`
	Body        string `json:"body,omitempty"`
	// Redirect is a URL to send the client to; what Body may have, it may have in
	// its query. Default: none.
	Redirect string `json:"redirect,omitempty"`
}

// HeaderValue is one response header.
type HeaderValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Forward is one header that the backend gets.
type Forward struct {
	Header string `json:"header"`
	// Value is CEL over user, claims, device and request.
	Value string `json:"value"`
}

// Limits bound what clients may use. Zero means the default.
type Limits struct {
	// Connections is the most sockets of this node. Default: unlimited.
	Connections int `json:"connections,omitempty"`
	// ConnectionsPerLogin is the most sockets of one login on this node.
	// Default: unlimited.
	ConnectionsPerLogin int `json:"connections_per_login,omitempty"`
	// ConnectionsPerIP is the most sockets of one client address on this node.
	// Default: unlimited.
	ConnectionsPerIP int `json:"connections_per_ip,omitempty"`
	// ChannelsPerConnection is the most channels of one socket. Default: 128.
	ChannelsPerConnection int `json:"channels_per_connection,omitempty"`
	// MessageSize is the largest message from a client, in bytes. Default: 65536.
	MessageSize int64 `json:"message_size,omitempty"`
	// CommandsPerSecond is how fast one socket may send commands. Default: 50.
	CommandsPerSecond int `json:"commands_per_second,omitempty"`
	// Queue is how many bytes may wait for one slow socket before it is cut
	// off with 4008. Default: 1048576.
	Queue int `json:"queue,omitempty"`
	// UnknownTokens is the budget of one client address for tokens that no
	// node has seen.
	UnknownTokens UnknownTokens `json:"unknown_tokens_per_ip,omitzero"`
}

// UnknownTokens is a budget of introspection calls for one client address.
type UnknownTokens struct {
	// Off lifts the budget. Default: false.
	Off bool `json:"off,omitempty"`
	// PerMinute is the long-term rate. Default: 1200.
	PerMinute int `json:"per_minute,omitempty"`
	// AtOnce is the burst. Default: 32.
	AtOnce int `json:"at_once,omitempty"`
}
