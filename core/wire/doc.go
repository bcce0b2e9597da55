// Package wire is what goes over a socket: the opening handshake, frames, close
// codes, and the reading side of a connection. The folders below it hold one
// protocol each.
//
// Its main type is [Conn]. Reading is gorilla/websocket's; writing never is: a
// Conn writes nothing at all, and hands what must be answered (pongs, closes) to
// its [Sink], the socket's one writer.
//
// A connection that is idle needs no goroutine: its reader parks ([Conn.Park]), and a
// [Poller] resumes it. A [Loop] does so for a protocol.
//
// # Concurrency
//
// [Conn.SetSink] comes before the first [Conn.ReadMessage]. After that one
// goroutine at a time reads, and only the connection under it ([Conn.NetConn]) may be used
// by others. Everything else here is a pure function and safe for concurrent use.
package wire
