// Package introspect asks the backend whose a token is.
//
// [Client.Identify] has three answers. [Active] comes with an [Identity];
// [Inactive] means that the backend said so; [Error] means that it said neither:
// a redirect, a status of 5xx or 429, a time-out, a body that is too long or is
// no JSON where an expression looks at it, wsgate's own credentials refused, or
// no expression that held. An Error logs nobody out and is never cached.
//
// A [Preset] knows all of that for one kind of backend.
//
// # Caches
//
// Active and inactive answers are kept apart, so that a flood of invented tokens
// evicts no login. An active answer is kept for cache_ttl, for stale_if_error
// more while the endpoint fails, and never past the token's own expiry. Callers
// that ask about one token at the same time share one call, and one that leaves
// does not end it for the others.
//
// # Bounds
//
// 100,000 active answers of together 64 MiB, 10,000 inactive ones, max_in_flight
// calls, half of them for tokens of known accounts, as many probes as half of
// that again, and 1,024 calls and probes that wait for a place (8,192 of known
// accounts). What is beyond is an Error.
//
// # Concurrency
//
// A Client is safe for concurrent use. Its goroutines are its calls; Close ends
// and awaits them.
package introspect
