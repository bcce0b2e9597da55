// Package session is the login registry: which logins of an account are live,
// which are dead and why, kept in Redis so that any number of nodes agree.
//
// Its main type is the [Registry]. A login enters by [Registry.Claim], which
// displaces older ones in the same atomic step and publishes an event; nodes
// learn of it by [Registry.HandleEvent] and, since events can be lost, by a
// [Reconciler] that asks Redis about every login that has a socket here. What
// was learnt is kept in [Verdicts], so that most requests need no Redis.
//
// A login is named by its [Identity], a fingerprint; each life of an identity
// has a sid of its own, a random handle that is all that administrators, events
// and logs see. A dead sid never lives again; a dead identity does only when a
// new generation begins: at an observed login, or with a greater login time.
//
// # Order
//
// Logins are ordered by (epoch, seq), given by Redis at admission and never
// recomputed. No clock decides anything but how long a tombstone lasts.
//
// # Concurrency
//
// All methods of Registry, Verdicts and Reconciler may be called at once from
// many goroutines, but for Reconciler.Run, which is called once. Options.OnEvent
// is called from the goroutine that learnt of the event, possibly from several
// at once, and never under a lock. Every method that takes a context does Redis
// I/O and ends with the context.
//
// Calls that wait at the same time share a pipeline. At most two are under way, in
// goroutines of the Registry that end when nobody waits; a call that is under way
// goes on when its caller's context ends, a waiting one is forgotten.
//
// # Bounds
//
// One account has at most 4,096 tombstones (when full, new logins are denied
// and none is dropped), 600 claims a minute ([ErrTooManyClaims]), and 1,024 exempt
// logins (then the 128 that nobody has seen for longest are forgotten, not ended). A node
// remembers 16 logins of each of 65,536 accounts, and 131,072 tokens. At most
// 16,384 calls wait for Redis; more are errors. Account names have at most 64 KiB.
package session
