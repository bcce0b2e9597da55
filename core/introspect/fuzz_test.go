package introspect

import (
	"testing"

	"github.com/wsgate/wsgate/core/token"
)

// FuzzJudge gives the presets any answer: none may make it an identity that
// breaks its bounds.
func FuzzJudge(f *testing.F) {
	f.Add(200, []byte(`{"code":200,"user":{"userId":1,"userName":["a"]}}`), "abc")
	f.Add(200, []byte(`{"active":true,"sub":"x","exp":1e999,"sid":7}`), "1|abc")
	f.Add(401, []byte(`<html>`), "eyJhbGciOiJIUzUxMiJ9.eyJsb2dpbl91c2VyX2tleSI6IjBkOWMiLCJzdWIiOiJhZG1pbiJ9.AAAA")
	var all []*rules
	for name, preset := range presets {
		cfg := Config{Preset: name}.merge(preset().Config)
		r, err := newRules(&cfg)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, r)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, raw string) {
		tok, err := token.New(raw)
		if err != nil {
			return
		}
		for _, r := range all {
			a := r.judge(Response{Status: status, Body: body}, tok, true)
			if (a.Outcome == Error) != (a.Err != nil) || (a.Outcome == Active) != (a.Identity != nil) {
				t.Fatalf("%v, %v", a.Outcome, a.Err)
			}
			if a.Outcome != Active {
				continue
			}
			if n := len(a.Identity.Subject); n == 0 || n > MaxName || len(a.Identity.Aliases) > MaxAliases {
				t.Fatalf("subject of %d bytes, %d aliases", n, len(a.Identity.Aliases))
			}
			if end := a.Identity.Expires; !end.IsZero() && end.Unix() <= 0 {
				t.Fatalf("ends %v", end)
			}
		}
	})
}
