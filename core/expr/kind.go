package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// Kind says where an expression stands, and so what variables it has.
type Kind int

// The kinds of expression.
const (
	// Introspect decides whether an answer of the introspection endpoint means
	// active or inactive.
	Introspect Kind = iota
	// IntrospectActive takes values out of an active answer.
	IntrospectActive
	// Response reads an answer of the backend.
	Response
	// Request reads a request of a known user.
	Request
	// Authorize decides over a channel.
	Authorize
	kinds
)

type variable struct {
	name string
	typ  *cel.Type
	in   []Kind
}

var stringMap = cel.MapType(cel.StringType, cel.StringType)

var (
	answers  = []Kind{Introspect, IntrospectActive, Response}
	requests = []Kind{Request, Authorize}
)

// The parts of request are variables of their own, so that a misspelt one is a
// compile error and not a rule that never holds.
var variables = []variable{
	{"status", cel.IntType, answers},
	{"headers", stringMap, answers},
	{"body", cel.DynType, answers},
	{"token", cel.StringType, []Kind{Introspect, IntrospectActive}},
	{"jwt", cel.DynType, []Kind{IntrospectActive}},
	{"user", cel.StringType, requests},
	{"claims", cel.DynType, requests},
	{"device", cel.StringType, requests},
	{"request.method", cel.StringType, requests},
	{"request.path", cel.StringType, requests},
	{"request.headers", stringMap, requests},
	{"request.ip", cel.StringType, requests},
	{"params", stringMap, []Kind{Authorize}},
}

func (k Kind) variables() []variable {
	var out []variable
	for _, v := range variables {
		for _, in := range v.in {
			if in == k {
				out = append(out, v)
			}
		}
	}
	return out
}

func (k Kind) names() []string {
	var out []string
	for _, v := range k.variables() {
		out = append(out, v.name)
	}
	return out
}

func (k Kind) env() (*cel.Env, error) {
	opts := []cel.EnvOption{
		ext.Strings(), ext.Encoders(), ext.Math(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
	}
	for _, v := range k.variables() {
		opts = append(opts, cel.Variable(v.name, v.typ))
	}
	return cel.NewEnv(opts...)
}
