package expr

import (
	"encoding/json"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Fields are the parts of a document that expressions look at; nil is none.
type Fields struct {
	all bool
	in  map[string]*Fields
}

// Everything is the whole document.
var Everything = &Fields{all: true}

// FieldsOf are the parts of body that any of the programs looks at; nil programs
// look at none.
func FieldsOf(programs ...*Program) *Fields {
	f := &Fields{}
	for _, p := range programs {
		if p == nil {
			continue
		}
		for _, path := range p.body {
			f.add(path)
		}
	}
	return f
}

// member is what is wanted of a member, and its name if anything is. It is false
// where the name, in quotes, is no valid string.
func (f *Fields) member(raw []byte, plain bool) (in *Fields, name string, ok bool) {
	switch {
	case f == nil:
		return nil, "", plain || json.Valid(raw)
	case f.all:
		name, ok = unquote(raw, plain)
		return f, name, ok
	case plain:
		if in = f.in[string(raw[1:len(raw)-1])]; in == nil { // without a copy
			return nil, "", true
		}
	}
	name, ok = unquote(raw, plain)
	return f.in[name], name, ok
}

func (f *Fields) add(path []string) {
	for _, name := range path {
		if f.all {
			return
		}
		in := f.in[name]
		if in == nil {
			in = &Fields{}
			if f.in == nil {
				f.in = map[string]*Fields{}
			}
			f.in[name] = in
		}
		f = in
	}
	f.all = true
}

// paths are the paths below a variable that an expression looks at, an empty one
// where it looks at the variable itself.
func paths(a *ast.AST, name string) [][]string {
	var out [][]string
	for _, e := range ast.MatchDescendants(ast.NavigateAST(a), ast.KindMatcher(ast.IdentKind)) {
		if e.AsIdent() != name {
			continue
		}
		path := []string{}
		for {
			parent, ok := e.Parent()
			if !ok {
				break
			}
			step, ok := stepTo(parent, e)
			if !ok {
				break
			}
			path = append(path, step)
			e = parent
		}
		if !slices.ContainsFunc(out, func(p []string) bool { return slices.Equal(p, path) }) {
			out = append(out, path)
		}
	}
	return out
}

// stepTo is the name of the member that parent takes of child.
func stepTo(parent, child ast.NavigableExpr) (string, bool) {
	switch parent.Kind() {
	case ast.SelectKind:
		return parent.AsSelect().FieldName(), true
	case ast.CallKind:
		c := parent.AsCall()
		args := c.Args()
		if c.FunctionName() != operators.Index || len(args) != 2 || args[0].ID() != child.ID() || args[1].Kind() != ast.LiteralKind {
			return "", false
		}
		name, ok := args[1].AsLiteral().Value().(string)
		return name, ok
	default:
		return "", false
	}
}
