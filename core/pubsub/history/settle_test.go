package history

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestNodesAgree plays several nodes on one Redis, whose order is that of the steps:
// messages, questions, and links that break and come back. Whatever a node says of a
// position, in whichever epoch, is what was published there.
func TestNodesAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		type place struct {
			epoch  string
			offset uint64
		}
		type node struct {
			s         *Store
			r         *Ring
			up        bool
			questions uint64
			answers   []*Place // to its open question; nil: it has none
			round     uint64
		}
		truth := map[place]string{} // what any node numbered so
		n := 0
		var nodes []*node
		for range rapid.IntRange(1, 4).Draw(rt, "nodes") {
			nodes = append(nodes, &node{s: New(0, at(0))})
		}
		delivered := func(nd *node) func(uint64, []byte) {
			return func(offset uint64, payload []byte) {
				p := place{nd.r.Position().Epoch, offset}
				if was, ok := truth[p]; ok && was != string(payload) {
					rt.Fatalf("%+v is %q here and %q elsewhere", p, payload, was)
				}
				truth[p] = string(payload)
			}
		}
		up := rapid.Custom(func(rt *rapid.T) *node {
			nd := rapid.SampledFrom(nodes).Draw(rt, "node")
			if nd.r == nil || !nd.up {
				return nil
			}
			return nd
		})
		settle := func(nd *node) {
			if nd.answers == nil || nd.r.Settled() || nd.r.Round() != nd.round {
				nd.answers = nil
				return
			}
			var best *Place
			for _, p := range nd.answers {
				if p != nil && (best == nil || p.Better(best) || p.Settled && p.Epoch == nd.r.Position().Epoch) {
					best = p
				}
			}
			nd.answers = nil
			var older []Aged
			if best != nil && best.Settled {
				from := best.Oldest
				if best.Epoch == nd.r.Position().Epoch {
					from = max(from, nd.r.Position().Offset+1)
				}
				for _, o := range nodes {
					if o.r != nil && o.up && from <= best.Offset {
						if all := o.r.Range(best.Epoch, from, best.Offset, 2000, at(0)); len(all) > len(older) {
							older = all
						}
					}
				}
			}
			nd.r.Settle(best, older, at(0), delivered(nd))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"subscribe": func(rt *rapid.T) {
				if nd := rapid.SampledFrom(nodes).Draw(rt, "node"); nd.r == nil {
					nd.r = nd.s.Open("a", Keep{rapid.IntRange(1, 50).Draw(rt, "keep"), 1e12}, at(0))
					nd.r.Unsettle()
					nd.up = true
				}
			},
			"publish": func(*rapid.T) {
				n++
				payload := fmt.Append(nil, "m", n)
				for _, nd := range nodes {
					switch {
					case nd.r == nil || !nd.up:
					case nd.r.Settled():
						delivered(nd)(nd.r.Add(payload, at(0)), payload)
					default:
						if !nd.r.Hold(payload, at(0)) {
							nd.r.Settle(nil, nil, at(0), delivered(nd))
						}
					}
				}
			},
			"ask": func(rt *rapid.T) {
				nd := up.Draw(rt, "asks")
				if nd == nil || nd.r.Settled() || nd.answers != nil {
					return
				}
				nd.answers, nd.round = []*Place{}, nd.r.Round()
				for _, o := range nodes {
					if !o.up && o.r != nil {
						continue // it does not hear
					}
					if o.questions++; o.r == nil {
						continue
					}
					if o == nd {
						o.r.Mark(o.questions)
					} else if p, ok := o.r.Place(o.questions, at(0)); ok && rapid.IntRange(0, 9).Draw(rt, "lost") > 0 {
						nd.answers = append(nd.answers, &p)
					}
				}
			},
			"settle": func(rt *rapid.T) {
				if nd := up.Draw(rt, "settles"); nd != nil {
					settle(nd)
				}
			},
			"break": func(rt *rapid.T) {
				nd := up.Draw(rt, "breaks")
				if nd == nil {
					return
				}
				if nd.r.Holding() {
					nd.r.Settle(nil, nil, at(0), delivered(nd))
				}
				nd.r.Unsettle()
				nd.up, nd.answers = false, nil
			},
			"come back": func(rt *rapid.T) {
				if nd := rapid.SampledFrom(nodes).Draw(rt, "node"); nd.r != nil {
					nd.up = true
				}
			},
			"": func(rt *rapid.T) {
				for _, nd := range nodes {
					if nd.r == nil || !nd.r.Settled() {
						continue
					}
					p := nd.r.Position()
					got, ok := nd.r.Since(Position{p.Epoch, p.Offset - uint64(nd.r.n)}, at(0))
					if !ok {
						rt.Fatal("what a ring holds can't be recovered")
					}
					for _, e := range got {
						if was, known := truth[place{p.Epoch, e.Offset}]; known && was != string(e.Payload) {
							rt.Fatalf("%s %d is %q, was %q", p.Epoch, e.Offset, e.Payload, was)
						}
					}
				}
			},
		})
	})
}
