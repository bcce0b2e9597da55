package httpwire

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, body string
		size           int
	}{
		{"no body", "GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", "", 32},
		{"length", "POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi!", "hi", 40},
		{"body not all there", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhi", "", 0},
		{"headers not all there", "GET / HTTP/1.1\r\nHost: x\r\n", "", 0},
		{"chunked", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n", "hi!", 65},
		{"chunk not all there", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, size := ParseRequest([]byte(tt.in))
			if size != tt.size || string(r.Body) != tt.body {
				t.Fatalf("size %d body %q", size, r.Body)
			}
		})
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	p := AppendResponse(nil, "404 Not Found", "text/plain", "X-A: b\r\n", []byte("gone"))
	r, size := ParseResponse(p)
	if size != len(p) || r.Status != 404 || r.Close || string(r.Body) != "gone" {
		t.Fatalf("%+v, size %d of %d", r, size, len(p))
	}
	if r, _ := ParseResponse(AppendResponse(nil, "200 OK", "text/plain", "connection: Close\r\n", nil)); !r.Close {
		t.Fatal("the server's close is not seen")
	}
	q, _ := ParseRequest([]byte("GET /p?q=1 HTTP/1.1\r\nAUTHORIZATION:  Bearer x \r\n\r\n"))
	if string(q.Path()) != "/p" || string(q.Query()) != "q=1" || string(q.Header("Authorization")) != "Bearer x" {
		t.Fatalf("%s", q.Target)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		if _, size := ParseRequest(p); size > len(p) || size < 0 {
			t.Fatal(size)
		}
		if _, size := ParseResponse(p); size > len(p) || size < 0 {
			t.Fatal(size)
		}
	})
}
