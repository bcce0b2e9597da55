// Package publish sends messages into a server under test: through Redis, as an
// ordinary backend does, or through the server's own HTTP interface where it
// has no other.
//
// Concurrency: a publisher belongs to the goroutine of its event loop.
package publish

// Publisher takes one message at a time and sends many together.
type Publisher interface {
	// Publish queues payload for the own channel of a socket, or for everyone
	// (swarm.Everyone).
	Publish(target uint32, payload []byte)
	// Flush sends what is queued, as far as the connection takes it.
	Flush()
	// Waiting is how many messages were queued and not yet acknowledged.
	Waiting() int
	// Errors is how many messages were refused.
	Errors() int
	// Close ends the connections.
	Close()
}

// Encoding writes what differs between servers: where a message goes, and what
// is wrapped around it.
type Encoding func(dst []byte, target uint32, payload []byte) []byte
