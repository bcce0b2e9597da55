// Package swarm is thousands of WebSocket clients on one event loop.
//
// They read raw frames into one shared buffer, count what arrived, and check
// that it arrived once, in order, at the right socket. Nothing is allocated for
// a delivery.
//
// Concurrency: all of it belongs to the loop's goroutine.
package swarm
