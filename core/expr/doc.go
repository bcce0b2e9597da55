// Package expr evaluates the CEL expressions of the configuration.
//
// An expression is compiled once for a [Kind], which says what variables it may
// use, into a [Program], which is evaluated with [Vars]:
//
//	Kind              variables
//	Introspect        status, headers, body of the answer; token
//	IntrospectActive  the same and jwt, the token's claims
//	Response          status, headers, body
//	Request           user, claims, device, request.method, request.path, request.headers, request.ip
//	Authorize         the same and params
//
// headers is a map from the name, in any case, to the first value. What is missing
// is an evaluation error, and an evaluation error is false, or no value. The
// strings, encoders and math extensions of cel-go are there.
//
// # Numbers
//
// [DecodeJSON] keeps integers exact. A CEL int has 64 bits, a uint one more
// digit; an integer beyond both becomes its decimal text, so that two accounts
// never fall together by rounding.
//
// # Concurrency
//
// A Program is immutable; any number of goroutines may evaluate it. What DecodeJSON,
// JWTClaims and Value return may be shared between goroutines as long as nobody
// changes it.
package expr
