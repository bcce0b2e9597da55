package centrifuge

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// What is taken for JSON is what encoding/json takes for it, if it is UTF-8; and all
// else becomes JSON.
func FuzzData(f *testing.F) {
	for _, s := range []string{`{"a":[1,-2.5e+3,true,null,"\u00e9\n"]}`, `"\ud800"`, "01", "1.", `{"a":1,}`, "\xff", "loginOut", "[[[[", " \n1\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		got := appendData(nil, payload)
		if !utf8.Valid(got) || !json.Valid(got) {
			t.Fatalf("%q became %q", payload, got)
		}
		asItIs := json.Valid(payload) && utf8.Valid(payload)
		if verbatim := len(got) == len(payload); asItIs != verbatim && (asItIs || got[0] != '"') {
			t.Fatalf("%q became %q", payload, got)
		}
	})
}
