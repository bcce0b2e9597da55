//go:build !race

package centrifuge

import (
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/hub"
)

// Not under the race detector, which has pools forget.
func TestEncodeAllocatesNothing(t *testing.T) {
	for name, payload := range map[string]string{
		"json": `{"id":7,"text":"` + strings.Repeat("x", 500) + `"}`, "text": "loginOut", "binary": "\xff\x00",
	} {
		for _, deflate := range []bool{false, true} {
			for _, format := range []Format{JSON, Protobuf} {
				e, m, dst := Encoder{Channel: "data_imei:860000000000001", Format: format, Deflate: deflate, Numbered: true}, &hub.Message{Payload: []byte(payload), Offset: 1 << 40}, make([]byte, 0, 4096)
				if n := testing.AllocsPerRun(100, func() { dst = e.Append(dst[:0], m) }); n > 0 {
					t.Errorf("%s, format %d, deflate %v: %v allocations", name, format, deflate, n)
				}
			}
		}
	}
}
