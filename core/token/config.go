package token

// Kind says where a source looks for a token.
type Kind string

// The kinds of source.
const (
	Query       Kind = "query"
	Header      Kind = "header"
	Cookie      Kind = "cookie"
	Subprotocol Kind = "subprotocol"
)

// Source is one place in a request where a token may be.
type Source struct {
	// Kind is `query`, `header`, `cookie` or `subprotocol`.
	Kind Kind `json:"kind"`

	// Name is that of the query parameter, header or cookie. Unused for
	// `subprotocol`.
	Name string `json:"name,omitempty"`

	// Scheme is the word before the token, compared in any case, such as
	// `Bearer`. Only for `query` and `header`. Default: none.
	Scheme string `json:"scheme,omitempty"`

	// SchemeOptional also accepts the bare token, as RuoYi does. Default: false.
	SchemeOptional bool `json:"scheme_optional,omitempty"`
}

// DefaultSources are used where neither the configuration nor a preset names any.
func DefaultSources() []Source {
	return []Source{
		{Kind: Subprotocol},
		{Kind: Header, Name: "Authorization", Scheme: "Bearer"},
		{Kind: Query, Name: "token"},
	}
}
