// Package httpwire parses and writes the little HTTP/1.1 that the generator
// needs, without allocating. It reads what known programs on this machine send
// and is no general parser.
package httpwire

import (
	"bytes"
	"strconv"
)

// Request is one parsed request. Its slices point into the parsed buffer.
type Request struct {
	Method, Target, Headers, Body []byte
}

// Response is one parsed response.
type Response struct {
	Status int
	Body   []byte
	// Close says that the server ends the connection after this.
	Close bool
}

// Path is the target without its query.
func (r *Request) Path() []byte {
	path, _, _ := bytes.Cut(r.Target, []byte("?"))
	return path
}

// Query is what follows the question mark.
func (r *Request) Query() []byte {
	_, query, _ := bytes.Cut(r.Target, []byte("?"))
	return query
}

// Header is the value of the first header of that name, in any case.
func (r *Request) Header(name string) []byte { return header(r.Headers, name) }

// ParseRequest parses the request at the head of p; size is 0 while it is not
// complete.
func ParseRequest(p []byte) (r Request, size int) {
	start, headers, body, size := split(p)
	if size == 0 {
		return r, 0
	}
	method, rest, _ := bytes.Cut(start, []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	return Request{Method: method, Target: target, Headers: headers, Body: body}, size
}

// ParseResponse parses the response at the head of p; size is 0 while it is not
// complete.
func ParseResponse(p []byte) (r Response, size int) {
	start, headers, body, size := split(p)
	if size == 0 || len(start) < 12 {
		return r, 0
	}
	status, _ := strconv.Atoi(string(start[9:12]))
	return Response{
		Status: status, Body: body,
		Close: bytes.EqualFold(header(headers, "Connection"), []byte("close")),
	}, size
}

// AppendResponse writes a whole response; extra is header lines ending in CRLF.
func AppendResponse(dst []byte, status, contentType, extra string, body []byte) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(dst, status...)
	dst = append(dst, "\r\nContent-Type: "...)
	dst = append(dst, contentType...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n"...)
	dst = append(dst, extra...)
	dst = append(dst, "\r\n"...)
	return append(dst, body...)
}

func split(p []byte) (start, headers, body []byte, size int) {
	end := bytes.Index(p, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, nil, nil, 0
	}
	start, headers, _ = bytes.Cut(p[:end+2], []byte("\r\n"))
	rest := p[end+4:]
	if v := header(headers, "Transfer-Encoding"); bytes.EqualFold(v, []byte("chunked")) {
		body, n := chunked(rest)
		if n == 0 {
			return nil, nil, nil, 0
		}
		return start, headers, body, end + 4 + n
	}
	n, _ := strconv.ParseUint(string(header(headers, "Content-Length")), 10, 31)
	if uint64(len(rest)) < n {
		return nil, nil, nil, 0
	}
	return start, headers, rest[:n], end + 4 + int(n)
}

// chunked returns the body without its framing, and the length with it.
func chunked(p []byte) (body []byte, size int) {
	for {
		line, _, ok := bytes.Cut(p[size:], []byte("\r\n"))
		if !ok {
			return nil, 0
		}
		n, err := strconv.ParseUint(string(line), 16, 31)
		if err != nil {
			return nil, 0
		}
		at := size + len(line) + 2
		if size = at + int(n) + 2; size > len(p) {
			return nil, 0
		}
		if n == 0 {
			return body, size
		}
		body = append(body, p[at:at+int(n)]...)
	}
}

func header(headers []byte, name string) []byte {
	for len(headers) > 0 {
		var line []byte
		line, headers, _ = bytes.Cut(headers, []byte("\r\n"))
		if len(line) > len(name) && line[len(name)] == ':' && equalFold(line[:len(name)], name) {
			return bytes.TrimSpace(line[len(name)+1:])
		}
	}
	return nil
}

func equalFold(b []byte, s string) bool {
	for i := range len(s) {
		if b[i]|0x20 != s[i]|0x20 {
			return false
		}
	}
	return true
}
