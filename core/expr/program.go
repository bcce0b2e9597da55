package expr

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxSource is the longest expression, in bytes.
const maxSource = 8 << 10

// ErrEval means that an expression has no value: a field is missing, a type does
// not fit, or it costs too much. It names no value, since those may be secret.
var ErrEval = errors.New("expr: the expression has no value")

// Type is what an expression must yield.
type Type int

// The types that can be asked for.
const (
	Any    Type = iota
	Bool        // true or false
	String      // text, or a number that stands for it, such as an account id
	Taken       // a String that is taken from somewhere, and not the same for all
	Names       // a String, or a list
	Time        // a number, a string or a timestamp
	Map         // a map
)

func (t Type) String() string {
	return [...]string{
		"any value", "true or false", "a string", "a string", "a string or a list of them",
		"a number of seconds or milliseconds, a string or a timestamp", "a map",
	}[t]
}

// Program is a compiled expression.
type Program struct {
	prg     cel.Program
	src     string
	claims  bool
	headers bool
	jwt     bool
	body    [][]string // the paths below body that it looks at
}

// Compile compiles src for a kind. An error says where in src it is and what
// can be used there.
func Compile(kind Kind, src string, want Type) (*Program, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("expr: an expression of %d bytes, at most %d are possible", len(src), maxSource)
	}
	env, err := envs[kind]()
	if err != nil {
		return nil, fmt.Errorf("expr: %w", err)
	}
	tree, issues := env.Compile(src)
	if issues.Err() != nil {
		return nil, compileError(kind, src, issues)
	}
	if out := tree.OutputType(); !fits(out, want) {
		return nil, fmt.Errorf("expr: %q yields %s, want %s", src, out, want)
	}
	if literal := tree.NativeRep().Expr(); want == Taken && literal.Kind() == ast.LiteralKind {
		return nil, fmt.Errorf("expr: %q is a constant, the same for everybody: name where the value is, without quotes, such as body.data.id", src)
	}
	prg, err := env.Program(tree, options(tree)...)
	if err != nil {
		return nil, fmt.Errorf("expr: %q: %w", src, err)
	}
	return &Program{
		prg: prg, src: src,
		claims: mentions(tree, "claims"), headers: mentions(tree, "request.headers"), jwt: mentions(tree, "jwt"), body: paths(tree.NativeRep(), "body"),
	}, nil
}

// UsesClaims says whether the expression looks at claims.
func (p *Program) UsesClaims() bool { return p.claims }

// UsesHeaders says whether the expression looks at the headers of a client's request.
func (p *Program) UsesHeaders() bool { return p.headers }

// UsesJWT says whether the expression looks at jwt.
func (p *Program) UsesJWT() bool { return p.jwt }

// mentions says whether a variable stands anywhere in an expression.
func mentions(a *cel.Ast, name string) bool {
	idents := ast.MatchDescendants(ast.NavigateAST(a.NativeRep()), ast.KindMatcher(ast.IdentKind))
	return slices.ContainsFunc(idents, func(e ast.NavigableExpr) bool { return e.AsIdent() == name })
}

func fits(out *cel.Type, want Type) bool {
	switch {
	case want == Any, out.IsEquivalentType(cel.DynType):
		return true
	case want == Bool:
		return out.IsEquivalentType(cel.BoolType)
	case want == Map:
		return out.Kind() == cel.MapKind
	case want == Names && out.Kind() == cel.ListKind,
		want == Time && (out.IsEquivalentType(cel.TimestampType) || out.IsEquivalentType(cel.DoubleType)):
		return true
	}
	return out.IsEquivalentType(cel.StringType) || out.IsEquivalentType(cel.IntType) || out.IsEquivalentType(cel.UintType)
}

func compileError(kind Kind, src string, issues *cel.Issues) error {
	e := issues.Errors()[0]
	message, _, _ := strings.Cut(e.Message, " (in container")
	at := ""
	if e.Location.Line() > 0 {
		at = fmt.Sprintf(" at line %d, column %d", e.Location.Line(), e.Location.Column()+1)
	}
	hint := ""
	if name, is := strings.CutPrefix(message, "undeclared reference to "); is {
		hint = "; variables here: " + strings.Join(kind.names(), ", ")
		if kind == Introspect && name == "'jwt'" {
			hint = "; jwt is unverified, so it may be used only after the answer is active, not to decide whether it is"
		}
	}
	return fmt.Errorf("expr: %q%s: %s%s", src, at, message, hint)
}

// Source returns the expression as it was written.
func (p *Program) Source() string { return p.src }

// Bool returns the value; an evaluation error, or any other type, is false.
func (p *Program) Bool(v Vars) bool {
	out, err := p.eval(&v)
	return err == nil && out == types.True
}

// String returns a string as it is and an integer as its decimal text. A number
// with a fraction, null, any other type and an evaluation error are "", false.
func (p *Program) String(v Vars) (string, bool) {
	out, err := p.eval(&v)
	if err != nil {
		return "", false
	}
	return text(out)
}

// Value returns the value as Go has it: nil, bool, int64, uint64, float64,
// string, []byte, time.Time, time.Duration, []any or map[string]any. Errors:
// ErrEval.
func (p *Program) Value(v Vars) (any, error) {
	out, err := p.eval(&v)
	if err != nil {
		return nil, err
	}
	return native(out)
}

func (p *Program) eval(v *Vars) (ref.Val, error) {
	out, _, err := p.prg.Eval((*activation)(v))
	if err != nil || types.IsUnknownOrError(out) {
		return nil, ErrEval
	}
	return out, nil
}

func text(v ref.Val) (string, bool) {
	switch v := v.(type) {
	case types.String:
		return string(v), true
	case types.Int:
		return strconv.FormatInt(int64(v), 10), true
	case types.Uint:
		return strconv.FormatUint(uint64(v), 10), true
	case types.Double:
		// PHP and others write a whole number as 7.0 at times.
		const exact = 1 << 53
		if f := float64(v); f == float64(int64(f)) && -exact <= f && f <= exact {
			return strconv.FormatInt(int64(f), 10), true
		}
	}
	return "", false
}

// envs are built on first use: an environment takes about a millisecond.
var envs = func() (out [kinds]func() (*cel.Env, error)) {
	for k := range out {
		out[k] = sync.OnceValues(Kind(k).env)
	}
	return out
}()
