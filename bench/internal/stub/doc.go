// Package stub is the backend of a run: it answers introspection as RuoYi's
// /getInfo does, authorizes for the servers that only look at a status, and
// serves the page data of the HTTP scenario.
//
// It lives in the generator's loop, so that answering costs the other CPU a few
// microseconds and never a thread switch.
//
// Concurrency: all of it belongs to the loop's goroutine.
package stub
