// Package redisconn opens clients of one Redis server from the configuration:
// [Open] is all of it.
//
// A client connects when it is first used and never while a configuration is
// loaded, so that validating one needs no Redis. Its time-outs are short (see
// [Open]): a Redis that hangs must cost a request about two seconds at most, and
// each call returns when its context ends. No error, log line or String of this
// package holds a password or a whole address.
//
// Everything here is safe for concurrent use.
package redisconn
