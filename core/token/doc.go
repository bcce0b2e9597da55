// Package token finds the token of a request or a socket and gives it a name
// that may be stored: its fingerprint.
//
// A [Token] is a value that does not print itself. A [Finder] reads the
// configured sources of a request. A [Key] turns a token into a [Fingerprint],
// which stands for it in every key, log line and message. [Devices] mints and
// reads the cookie that tells one browser from another.
//
// # Spellings
//
// Backends read tokens leniently: base64 decoders skip what they don't know,
// frameworks cut schemes out of the middle of a header, cookies arrive
// percent-encoded or not. A user whose login has ended could therefore respell
// his token, so that it is new to wsgate and good to the backend. This package
// is where every such spelling is folded into one, or reported as one more
// value to be judged.
//
// # Concurrency
//
// All types are immutable after construction; all functions and methods may be
// called from several goroutines at once. [Finder.StripQuery] edits the request
// it is given.
package token
