// Package centrifuge is the Centrifuge protocol, so that the official clients of
// Centrifugo work as they are: in JSON npm centrifuge, in Protobuf those for Dart, Swift
// and Java, in either those for Python and Go. The channel that a client subscribes to is the command that a plain client
// would send.
//
//	{"id":1,"connect":{"token":"…"}}        {"id":1,"connect":{"client":"…","ping":25,"pong":true}}
//	{"id":2,"subscribe":{"channel":"c:7"}}  {"id":2,"subscribe":{}}
//	                                        {"push":{"channel":"c:7","pub":{"data":{"t":21}}}}
//	{}                                      {}
//
// Its main type is [Server]. Requests and answers are the types of
// github.com/centrifugal/protocol, whose client.proto is the protocol's
// specification; publications, the hot path, are written by [Encoder].
//
// # Concurrency
//
// [Server.Serve] reads each socket in at most one goroutine at a time. The options that
// it is given must not change after they were handed out; a reload hands out new
// ones.
package centrifuge
