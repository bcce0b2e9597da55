package expr

import (
	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxCost is where an evaluation is cut off. One costs about 30 ns: 200,000 are
// a few milliseconds, a hundred times what a search through a list of a thousand
// entries costs. It guards against accident; whoever writes the configuration
// can waste memory anyway.
const maxCost = 200_000

// options leaves the accounting, which makes an evaluation take several times as
// long, to expressions that can loop: without a loop the length of the source is
// bound enough.
func options(ast *cel.Ast) []cel.ProgramOption {
	out := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	root := celast.NavigateAST(ast.NativeRep())
	if len(celast.MatchDescendants(root, celast.KindMatcher(celast.ComprehensionKind))) > 0 {
		out = append(out, cel.CostTracking(costs{}), cel.CostLimit(maxCost))
	}
	return out
}

// costs charges text by its length. Without it the tracker takes every function
// whose argument types are known only at run time, body.a + body.b for one, for
// a single step.
type costs struct{}

func (costs) CallCost(_, _ string, _ []ref.Val, result ref.Val) *uint64 {
	var n int
	switch r := result.(type) {
	case types.String:
		n = len(r)
	case types.Bytes:
		n = len(r)
	default:
		return nil
	}
	c := 1 + uint64(n)/10
	return &c
}
