// Package sse is the protocol of EventSource: an HTTP response that doesn't end, in
// which each message is an event (WHATWG HTML, section 9.2, Server-sent events). The
// client asks once, with the URL, and sends nothing more.
//
//	id: xJ2k0aZq.Yk3bQx9A.41
//	data: {"lat": 1}
//
// Payloads are text: each line is a data field. A payload that is not UTF-8 is an event
// named binary, in base64. A line may end in CR, LF or both; the client sees LF.
//
// # Where a client has got to
//
// A channel with a history has positions, and EventSource sends the last id that it saw
// when it comes back. With one such channel each event has its position as its id. With
// several, one id has to tell of all of them: it comes in an event of its own, behind what
// one write brought of any of them. Before that an event must not tell that others came, too.
//
// # Concurrency
//
// Everything here is a value or a function without state.
package sse
