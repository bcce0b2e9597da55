// Package proctest runs the real parts that tests need: redis-server, Caddy with
// this module, an ordinary backend, and a WebSocket client that says what it
// expects. Its main types are [RedisServer] and [CaddyServer].
//
// Everything is bound to a test: a helper that can't do its work ends the test
// with Fatal and never skips it, and what was started is killed at the test's
// cleanup (on Linux also when the test process itself dies). Methods of one value
// must be called from the test's own goroutine unless they say otherwise;
// different values are independent, so tests may run in parallel.
package proctest
