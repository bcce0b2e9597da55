// Package plain is the protocol of ordinary pages: a client sends text commands,
// one per frame, and receives payloads as they were published. Nothing is sent
// unasked: no greeting, no acknowledgement.
//
//	msg:42               the account watch
//	data_imei:7          subscribe; again is a no-op
//	unsubscribe data_imei:7
//	publish room:7 hello publish, where a rule says so
//	ping                 the heartbeat, answered with pong
//
// A refused command is answered with one text frame, `error:<code> <command>`.
//
// # Concurrency
//
// [Serve] runs in one goroutine per socket and owns the socket's reading side. The
// options that it is given must not change after they were handed out; a reload
// hands out new ones.
package plain
