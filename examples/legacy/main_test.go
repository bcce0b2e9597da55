package main

import (
	"os/exec"
	"strings"
	"testing"
)

// The point of the example: it is somebody else's program. Tests may use this
// module's test helpers; what runs may use nothing of it.
func TestImportsNothingOfTheGateway(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	const module, own = "github.com/wsgate/wsgate", "github.com/wsgate/wsgate/examples/legacy"
	seen := 0
	for pkg := range strings.FieldsSeq(string(out)) {
		switch {
		case pkg == own || strings.HasPrefix(pkg, own+"/"):
			seen++
		case pkg == module || strings.HasPrefix(pkg, module+"/"):
			t.Errorf("the example imports %s", pkg)
		case strings.HasPrefix(pkg, "github.com/caddyserver/"):
			t.Errorf("the example imports %s", pkg)
		}
	}
	if seen != 2 {
		t.Errorf("%d packages of the example listed, want 2:\n%s", seen, out)
	}
}
