// Package peer starts the servers that are compared, each configured as its
// documentation advises and to do the same work: authorize every connection by
// a call to the backend, relay one shared channel and one channel a socket, no
// access log, no history, no compression.
//
// Concurrency: everything runs on the goroutine of the event loop, which is
// served while a server starts.
package peer
