// Package plot draws line charts as SVG: enough for a cost against a number,
// with the spread of the repetitions.
package plot
