package caddymodule

import (
	"slices"
	"strings"
)

// blocksWith are the blocks that have a subdirective, by its name. It is made after
// the tables, which the parsers that read it are part of.
var blocksWith = map[string][]string{}

func init() {
	var walk func(n nested)
	walk = func(n nested) {
		n.each(func(name, _ string, inner nested) {
			if !slices.Contains(blocksWith[name], n.title()) {
				blocksWith[name] = append(blocksWith[name], n.title())
			}
			if inner != nil {
				walk(inner)
			}
		})
	}
	walk(topLevel)
}

// hint says what somebody may have meant who wrote a name that a block does not have:
// one that is spelt nearly so, or the block that has it.
func hint(name string, known []string) string {
	if h := near(name, known); h != "" {
		return h
	}
	if in := blocksWith[name]; len(in) > 0 {
		return " (it belongs in " + strings.Join(in, " or ") + ")"
	}
	return ""
}

// near names what is spelt nearly as name.
func near(name string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if n := edits(name, k); n < least && n < len(k)/2 {
			best, least = k, n
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// edits is how many bytes to insert, delete or replace to make b of a (Levenshtein).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
