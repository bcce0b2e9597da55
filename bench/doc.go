// Command bench measures wsgate against the least that the kernel costs, a
// server written by hand, and other projects' servers, all on the same work.
//
//	go run ./bench -scenario broadcast -servers floor,wsgate,naive -reps 3
//	go run ./bench -all
//
// It starts every server itself, on a CPU of its own; Redis, the backend and the
// clients share another. See docs/performance.md for what the figures mean.
package main
