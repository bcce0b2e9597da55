// Package scenario is what is measured: each file one question, asked of every
// server in the same way, a fresh server each repetition.
//
// Concurrency: all of it runs on the goroutine of one event loop.
package scenario
