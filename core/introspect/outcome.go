package introspect

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// Outcome is what the backend says of a token.
type Outcome uint8

// The outcomes. The zero value is the harmless one.
const (
	// Error means that nothing is known: the endpoint can't be reached, or its
	// answer means nothing.
	Error Outcome = iota
	// Inactive means that the backend refuses the token.
	Inactive
	// Active means that the token is good, and whose it is.
	Active
)

func (o Outcome) String() string {
	switch o {
	case Inactive:
		return "inactive"
	case Active:
		return "active"
	default:
		return "error"
	}
}

// Identity is whose a token is. It is shared between callers: don't change it.
type Identity struct {
	// Subject is the account, of 1 to MaxName bytes.
	Subject string
	// Aliases are more names of the account, at most MaxAliases.
	Aliases []string
	// Session identifies the login, stable over token refreshes; "" means that
	// the token itself does. It may be a secret.
	Session string
	// LoginTime and Expires are zero where unknown.
	LoginTime, Expires time.Time
	// Device is `pc`, `mobile`, `tablet`, `app` or `other`.
	Device string
	// Claims is what other expressions see as claims: nil, a map[string]any, or
	// whatever else the `claims` expression yields. It may be nil where the Query
	// did not ask for them.
	Claims any

	bare bool // without claims: nobody had asked for them
}

// Ended reports whether the token's known end has come, whatever the answer said else: a
// backend may be lenient about it, or its clock slow.
func (id *Identity) Ended(now time.Time) bool {
	return !id.Expires.IsZero() && !now.Before(id.Expires)
}

// The bounds of an Identity.
const (
	MaxName    = 1 << 10
	MaxAliases = 64
)

// Format prints no more than that it is one: a session id may be a secret, and
// claims are nobody's business.
func (id *Identity) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "identity(redacted)") }

// LogValue returns "identity(redacted)".
func (id *Identity) LogValue() slog.Value { return slog.StringValue("identity(redacted)") }

// Answer is what Identify says.
type Answer struct {
	Outcome Outcome
	// Identity is nil unless the outcome is Active.
	Identity *Identity
	// Err says why, if the outcome is Error or the answer is stale. Its text
	// holds no token, URL or body.
	Err error
	// Stale means that the identity is from before an outage of the endpoint.
	Stale bool
}

// Query is a token and what is known of where it came from.
type Query struct {
	Token       token.Token
	Fingerprint token.Fingerprint
	// Request is the client's, for forward_header, the user agent and trace
	// headers. It may be nil. It is not read after Identify has returned.
	Request *http.Request
	// Known means that the token leads to an account that has been seen: such
	// calls have half of max_in_flight to themselves.
	Known bool
	// Claims asks for the Identity's claims too. They are not kept otherwise: a
	// decoded body takes several KiB, and few configurations look into it.
	Claims bool
}

// The errors of an Answer, wrapped with what happened.
var (
	// ErrUnreachable means that there was no answer, or none in time.
	ErrUnreachable = errors.New("introspect: the endpoint can't be reached")
	// ErrAnswer means that the answer was neither active nor inactive.
	ErrAnswer = errors.New("introspect: the answer is neither active nor inactive")
	// ErrCredentials means that the endpoint refused wsgate's own credentials.
	ErrCredentials = errors.New("introspect: the endpoint refuses wsgate's own credentials; check `auth`")
	// ErrConfig means that the configuration doesn't fit the backend's answers.
	ErrConfig = errors.New("introspect: the configuration doesn't fit the answer")
	// ErrOverloaded means that too many calls are waiting already.
	ErrOverloaded = errors.New("introspect: too many calls are waiting")
	// ErrClosed means that the client has been closed.
	ErrClosed = errors.New("introspect: closed")
)
