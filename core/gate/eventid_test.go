package gate

import "testing"

func FuzzEventID(f *testing.F) {
	for _, s := range []string{"", "mdv3k2a1-17", "-1-1", "x", "1-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var id, again EventID
		if id.UnmarshalText([]byte(s)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(id.String())); err != nil || again != id {
			t.Errorf("%q is %+v, and its text %q is %+v, %v", s, id, id, again, err)
		}
	})
}
