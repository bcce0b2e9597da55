//go:build !race

package wire

import (
	"strings"
	"testing"
)

// Not under the race detector, which has pools forget.
func TestDeflateAllocatesNothing(t *testing.T) {
	payload := []byte(strings.Repeat(`{"temperature":21.5}`, 50))
	dst := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { dst = AppendDeflated(dst[:0], payload) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
