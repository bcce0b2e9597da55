// Package history keeps the last messages of channels, so that a client that was
// away gets what it missed. Its main type is [Store], which holds one [Ring] per
// Redis channel that a rule gave a history.
//
// A message has an offset, one more than the one before it. Offsets count within an
// epoch, a random name of an unbroken stretch: where messages may be missing, a new
// epoch begins, and a position of an old one can't be recovered.
//
// # Other nodes
//
// A position holds on every node. Redis delivers one order to all subscribers of a
// server, so a place in it, such as that of a question between nodes, is the same among
// each node's messages. A ring that is new, or may miss messages, is unsettled until
// [Ring.Settle] is told what other nodes said of such a place: live messages are held
// meanwhile, and get the numbers that they have there.
//
// # Concurrency
//
// Nothing here is safe for concurrent use: the hub calls it under its own lock. No
// method waits. Payloads that were handed out are never changed.
//
// # Bounds
//
// A ring has as many messages as its rule says, for as long, and at most a sixteenth
// of the store's bytes. The store has at most its bytes (64 MiB by default), with 64
// bytes counted for each message; beyond them the messages that would end first go,
// and a position before them can't be recovered. A ring whose channel has no listener
// stays for as long as its messages would, so that it is unbroken when the client
// returns; of such rings there are at most 65,536, and the longest left go first.
// Nothing runs per ring.
package history
