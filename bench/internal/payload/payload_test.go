package payload

import (
	"testing"

	"pgregory.net/rapid"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := Message{
			Kind:   rapid.SampledFrom([]Kind{Shared, Own, Probe}).Draw(t, "kind"),
			Time:   rapid.Int64().Draw(t, "time"),
			Seq:    rapid.Uint32().Draw(t, "seq"),
			Target: rapid.Uint32().Draw(t, "target"),
		}
		p := Append([]byte("before"), want)[len("before"):]
		if len(p) != Size {
			t.Fatalf("%d bytes", len(p))
		}
		for _, c := range p {
			if c < 'a' || c > 'z' {
				t.Fatalf("byte %q would be escaped somewhere", c)
			}
		}
		if got, ok := Parse(p); !ok || got != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(Append(nil, Message{Kind: Own, Time: 1, Seq: 2, Target: 3}))
	f.Add([]byte("wsb"))
	f.Fuzz(func(_ *testing.T, p []byte) { Parse(p) })
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	p := Append(nil, Message{Kind: Shared, Time: 1 << 40, Seq: 7})
	for b.Loop() {
		Parse(p)
	}
}
