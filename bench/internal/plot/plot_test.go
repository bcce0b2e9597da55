package plot

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSVGIsWellFormed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := Chart{Title: rapid.StringMatching(`[a-z<>&" ]*`).Draw(t, "title"), LogY: rapid.Bool().Draw(t, "log")}
		for range rapid.IntRange(0, 4).Draw(t, "series") {
			s := Series{Name: "<s&>"}
			for i := range rapid.IntRange(0, 5).Draw(t, "points") {
				y := rapid.Float64Range(0, 1e6).Draw(t, "y")
				s.Points = append(s.Points, Point{float64(i), y, y / 2, y * 2})
			}
			c.Series = append(c.Series, s)
		}
		svg := c.SVG()
		for _, bad := range []string{"NaN", "Inf"} {
			if strings.Contains(svg, bad) {
				t.Fatalf("%s in\n%s", bad, svg)
			}
		}
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatalf("%v in\n%s", err, svg)
			}
		}
	})
}

func TestStep(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]float64{0.7: 1, 1: 1, 1.1: 2, 3: 5, 6: 10, 0.03: 0.05, 2400: 5000} {
		if got := step(v); math.Abs(got-want) > want*1e-9 {
			t.Errorf("step(%v) = %v, want %v", v, got, want)
		}
	}
}
