package plot

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Chart is one picture.
type Chart struct {
	Title, X, Y string
	// LogY spaces the vertical axis by powers of ten.
	LogY   bool
	Series []Series
}

// Series is one line. Points are in the order of X.
type Series struct {
	Name   string
	Points []Point
}

// Point is a median and the range it was found in.
type Point struct{ X, Y, Low, High float64 }

const (
	width, height            = 760, 420
	left, right, top, bottom = 70, 120, 48, 52
)

// colours are readable on white and on black, and to the colour-blind
// (Okabe and Ito's set).
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c"}

// SVG draws the chart.
func (c *Chart) SVG() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="%s">`+"\n",
		width, height, html.EscapeString(c.Title))
	b.WriteString(`<style>text{fill:#333}.g{stroke:#ddd}.a{stroke:#888}` +
		`@media (prefers-color-scheme: dark){text{fill:#ddd}.g{stroke:#444}.a{stroke:#999}}</style>` + "\n")
	fmt.Fprintf(&b, `<text x="%d" y="24" font-size="15" font-weight="600">%s</text>`+"\n", left, html.EscapeString(c.Title))
	x, y := c.axes()
	c.grid(&b, x, y)
	ends := c.lines(&b, x, y)
	names(&b, ends)
	b.WriteString("</svg>\n")
	return b.String()
}

// axes fit all points.
func (c *Chart) axes() (x, y axis) {
	var xs, ys []float64
	for _, s := range c.Series {
		for _, p := range s.Points {
			xs, ys = append(xs, p.X), append(ys, p.Y, p.Low, p.High)
		}
	}
	if len(xs) == 0 {
		xs, ys = []float64{0, 1}, []float64{0, 1}
	}
	x = newAxis(0, slices.Max(xs), left, width-right, false)
	if low := slices.Min(ys); c.LogY && low > 0 {
		return x, newAxis(low, slices.Max(ys), height-bottom, top, true)
	}
	return x, newAxis(0, slices.Max(ys), height-bottom, top, false)
}

func (c *Chart) grid(b *strings.Builder, x, y axis) {
	for _, v := range y.ticks {
		fmt.Fprintf(b, `<path class="g" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, y.at(v), width-right, left-8, y.at(v)+4, number(v))
	}
	for _, v := range x.ticks {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x.at(v), height-bottom+18, number(v))
	}
	fmt.Fprintf(b, `<path class="a" d="M%d %dH%d"/>`+"\n", left, height-bottom, width-right)
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-12, html.EscapeString(c.X))
	fmt.Fprintf(b, `<text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (top+height-bottom)/2, html.EscapeString(c.Y))
}

// end is where a line ends, and so where its name belongs.
type end struct {
	name, colour string
	x, y         float64
}

func (c *Chart) lines(b *strings.Builder, x, y axis) []end {
	var ends []end
	for i, s := range c.Series {
		if len(s.Points) == 0 {
			continue
		}
		colour := colours[i%len(colours)]
		var path strings.Builder
		for j, p := range s.Points {
			fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(j, 1)], x.at(p.X), y.at(p.Y))
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x.at(p.X), y.at(p.Y), colour)
			if p.High > p.Low {
				fmt.Fprintf(b, `<path d="M%.1f %.1fV%.1f" stroke="%s" opacity=".5"/>`, x.at(p.X), y.at(p.Low), y.at(p.High), colour)
			}
		}
		fmt.Fprintf(b, "\n"+`<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.String(), colour)
		last := s.Points[len(s.Points)-1]
		ends = append(ends, end{s.Name, colour, x.at(last.X) + 8, y.at(last.Y) + 4})
	}
	return ends
}

// names writes each line's name at its end, far enough from its neighbours.
func names(b *strings.Builder, ends []end) {
	const apart = 14
	slices.SortFunc(ends, func(p, q end) int { return int(math.Copysign(1, p.y-q.y)) })
	for i, e := range ends {
		if i > 0 && e.y < ends[i-1].y+apart {
			ends[i].y = ends[i-1].y + apart
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" style="fill:%s" font-weight="600">%s</text>`+"\n",
			e.x, ends[i].y, e.colour, html.EscapeString(e.name))
	}
}
