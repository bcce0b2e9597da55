// Package hub holds the sockets of a node: who they belong to, what they listen
// to, and everything that is written to them.
//
// Its main type is [Hub]. A message comes in through [Hub.Broadcast], which
// encodes it once for all sockets that share an [Encoder], and goes out with
// [Hub.Flush]: one write for each socket, however many messages and channels have
// gathered. A socket whose kernel buffer is full gets a queue of its own and a
// goroutine that exists while there is something in it; nothing else runs per
// socket. Pings, expiry and the search for stuck writers share one wheel.
//
// # Concurrency
//
// All methods are safe for concurrent use. Broadcasts of one channel must come
// from one goroutine, if their order matters, as pubsub's do.
//
// Hub.mu is over the indexes and the frames that wait for a flush. Socket.mu is
// over one socket's queue; it is held over a write that can't wait (a non-blocking
// one), never over one that can. Neither is taken while the other is held, no I/O
// happens under Hub.mu, and only [Source], an [Encoder] and the first frames' function
// of [Hub.SubscribeFrom] are called under it.
//
// # History
//
// Where a rule asks for it, a channel's last messages are kept (see package history),
// numbered in the order of Broadcast. [Hub.SubscribeFrom] begins a subscription at a
// position: what was missed goes out before anything live, without a gap and without a
// message twice.
package hub
