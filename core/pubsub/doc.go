// Package pubsub holds a node's one subscription connection to Redis. Its main
// type is [Link]: channels are put on and taken off it from anywhere, and what
// Redis publishes on them comes out through a [Handler], in Redis' order.
//
//	link := pubsub.New(open, pubsub.Handler{Message: hub.Broadcast, Flush: hub.Flush}, pubsub.Options{})
//	link.Subscribe("data_imei:17")
//	defer link.Close()
//
// go-redis dials, authenticates and selects; the stream after that is read here.
// Its own receive loop costs nine allocations a message, hides reconnects and, as a
// Go channel, drops messages; here a message costs none and every loss is told
// through [Handler.Gap].
//
// [Shards] is the same for the sharded channels of a Redis Cluster, with a link to each
// server that has some.
//
// # Merging
//
// Flush is called whenever everything that has arrived is handed over and the next
// step would be a read from the kernel. Receivers therefore collect in Message and
// write in Flush: under backlog one read carries hundreds of messages, and with one
// message at a time there is no delay.
//
// # Losses
//
// Redis keeps nothing for a subscriber that is away. When the link breaks, Gap is
// called at once with the channels that were live, so that clients can be told that
// something may be missing. It is called again with the same channels, and with those
// asked for meanwhile, when they are live again: what a client fetches after that
// second call is complete, what it fetched before may miss the time between. A link
// that is silent is pinged each second and given up after two more, so that a stopped
// or half-open Redis is noticed within five seconds. A channel that Redis refuses to this
// user is a gap, too, from its refusal until it is allowed.
//
// # Concurrency
//
// All methods of Link are safe for concurrent use; Subscribe and Unsubscribe never
// wait for the network. All functions of the Handler are called from one goroutine,
// the link's, never at once and never under a lock; they may call the link's methods
// but for Close, which waits for that goroutine. While they run nothing is read, so
// they must not wait for the network either.
//
// # Bounds
//
// The link holds the channels that were asked for, at most 65,536 more that linger,
// and a read buffer of 64 KiB that grows for one larger message up to 8 MiB; a larger
// one is thrown away and told as a gap.
package pubsub
