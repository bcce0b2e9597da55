package token

import (
	"fmt"
	"strings"
)

// Kind says where a source looks for a token.
type Kind string

// The kinds of source.
const (
	Query       Kind = "query"
	Header      Kind = "header"
	Cookie      Kind = "cookie"
	Subprotocol Kind = "subprotocol"
	// Path is a segment of the path of a socket or a stream: see Finder.Path.
	Path Kind = "path"
	// FirstMessage is the first message of a socket that was accepted without a
	// token: see FromMessage.
	FirstMessage Kind = "first_message"
	// Ticket is a query parameter that stands for a token: see Finder.Ticket.
	Ticket Kind = "ticket"
)

// Source is one place in a request where a token may be.
type Source struct {
	// Kind is `query`, `header`, `cookie`, `subprotocol`, `path`,
	// `first_message` or `ticket`.
	Kind Kind `json:"kind"`

	// Name is that of the query parameter, header or cookie. Other kinds have none.
	Name string `json:"name,omitempty"`

	// Scheme is the word before the token, compared in any case, such as
	// `Bearer`. Only for `query` and `header`. Default: none.
	Scheme string `json:"scheme,omitempty"`

	// SchemeOptional also accepts the bare token, as RuoYi does. Default: false.
	SchemeOptional bool `json:"scheme_optional,omitempty"`

	// Pattern is the path of a socket or a stream, with {token} for the segment where
	// the token is, such as /ws/{token}. Only for `path`.
	Pattern string `json:"pattern,omitempty"`

	// Bare also takes the only subprotocol that a client offers for the token, and
	// has it echoed, as JeecgBoot does. Only for `subprotocol`. Default: false.
	Bare bool `json:"bare,omitempty"`
}

// DefaultSources are used where neither the configuration nor a preset names any.
func DefaultSources() []Source {
	return []Source{
		{Kind: Subprotocol},
		{Kind: Header, Name: "Authorization", Scheme: "Bearer"},
		{Kind: Query, Name: "token"},
	}
}

// Validate says what is wrong with a source.
func (s Source) Validate() error {
	switch s.Kind {
	case Query, Header, Cookie:
		if s.Name == "" {
			return fmt.Errorf("token: source %s needs a name, such as `%s token`", s.Kind, s.Kind)
		}
	case Path:
		if _, err := newPathPattern(s.Pattern); err != nil {
			return err
		}
		fallthrough
	case Subprotocol, FirstMessage, Ticket:
		if s.Name != "" {
			return fmt.Errorf("token: source %s takes no name", s.Kind)
		}
	default:
		return fmt.Errorf("token: unknown source %q: want query, header, cookie, subprotocol, path, first_message or ticket", s.Kind)
	}
	if s.Kind != Query && !isToken(s.Name) && s.Name != "" {
		return fmt.Errorf("token: %q can't be the name of a %s", s.Name, s.Kind)
	}
	if s.Kind == Header && reservedHeaders[strings.ToLower(s.Name)] {
		return fmt.Errorf("token: header %s is no place for a token", s.Name)
	}
	if s.Pattern != "" && s.Kind != Path {
		return fmt.Errorf("token: source %s takes no pattern", s.Kind)
	}
	if s.Bare && s.Kind != Subprotocol {
		return fmt.Errorf("token: source %s can't be bare: that is for subprotocol", s.Kind)
	}
	if s.Scheme == "" {
		if s.SchemeOptional {
			return fmt.Errorf("token: source %s %s: scheme_optional without a scheme", s.Kind, s.Name)
		}
		return nil
	}
	if s.Kind != Query && s.Kind != Header {
		return fmt.Errorf("token: source %s takes no scheme", s.Kind)
	}
	if !isToken(s.Scheme) {
		return fmt.Errorf("token: source %s %s: %q can't be a scheme", s.Kind, s.Name, s.Scheme)
	}
	return nil
}

// reservedHeaders mean something else to every HTTP server, or are read by a
// source of their own.
var reservedHeaders = map[string]bool{
	"host": true, "cookie": true, "connection": true, "upgrade": true, "content-length": true,
	"transfer-encoding": true, "sec-websocket-protocol": true, "sec-websocket-key": true,
}

// isToken is RFC 9110 section 5.6.2.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7F || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
