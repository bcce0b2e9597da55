package introspect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Response is a backend's answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

func newHTTPClient(rt http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: rt,
		// A redirect would carry the token to wherever the answer says.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport(c *Config) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: time.Duration(c.Timeout), KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    c.MaxInFlight,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: MaxHeader,
	}
}

// MaxHeader is how many bytes of an answer's header are read, unless a transport of
// the caller's says otherwise.
const MaxHeader = 64 << 10

// call sends a request and reads the whole answer. It must be called with a
// place held. Errors: ErrUnreachable, ErrAnswer.
func (c *Client) call(r *http.Request) (Response, error) {
	res, err := c.http.Load().Do(r)
	if err != nil {
		return Response{}, unreachable(err)
	}
	defer res.Body.Close()
	body, err := readBody(res, c.cfg.MaxBody)
	switch {
	case err != nil:
		return Response{}, unreachable(err)
	case int64(len(body)) > c.cfg.MaxBody:
		return Response{}, fmt.Errorf("%w: its body is over %d bytes", ErrAnswer, c.cfg.MaxBody)
	}
	return Response{Status: res.StatusCode, Header: res.Header, Body: body}, nil
}

// readBody reads at most one byte more than most.
func readBody(res *http.Response, most int64) ([]byte, error) {
	if n := res.ContentLength; n > 0 && n <= most {
		body := make([]byte, n)
		_, err := io.ReadFull(res.Body, body)
		return body, err
	}
	return io.ReadAll(io.LimitReader(res.Body, most+1))
}

// unreachable says what happened without what may be secret: *url.Error prints
// the URL, and net/http quotes lines of an answer that it can't read.
func unreachable(err error) error {
	var (
		timeout net.Error
		op      *net.OpError
		dns     *net.DNSError
		unknown x509.UnknownAuthorityError
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %w", ErrUnreachable, context.Canceled)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: timed out: %w", ErrUnreachable, context.DeadlineExceeded)
	case errors.As(err, &dns):
		return fmt.Errorf("%w: %w", ErrUnreachable, dns)
	case errors.As(err, &unknown), errors.As(err, &cert):
		return fmt.Errorf("%w: its certificate is not trusted", ErrUnreachable)
	case errors.As(err, &record):
		return fmt.Errorf("%w: it does not speak TLS", ErrUnreachable)
	case errors.As(err, &op):
		return fmt.Errorf("%w: %w", ErrUnreachable, op)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: the connection was closed before the answer's end", ErrUnreachable)
	}
	return fmt.Errorf("%w: no valid HTTP answer", ErrUnreachable)
}
