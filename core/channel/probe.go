package channel

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/wsgate/wsgate/core/expr"
	"github.com/wsgate/wsgate/core/token"
)

const (
	// answerTTL is how long a probe's answer is kept.
	answerTTL = 30 * time.Second
	// maxAnswers bounds the kept answers of one socket path; the least recently
	// used go first.
	maxAnswers = 16384
	// probeTimeout bounds one probe, however long its callers would wait.
	probeTimeout = 10 * time.Second
	// maxURI bounds a probe's URI, in bytes.
	maxURI = 8192
)

// Response is a backend's answer to a probe.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// ProbeFunc sends a request with the user's own token, placed as introspection places
// it. A uri that begins with a slash belongs to the introspection endpoint's origin. An
// error means that there was no answer; it must not hold the URI or the token.
type ProbeFunc func(ctx context.Context, method, uri string, t token.Token) (Response, error)

// probe is a question to the backend.
type probe struct {
	method string
	uri    template
	allow  *expr.Program // nil: 2xx
}

var (
	validMethod = regexp.MustCompile(`^[A-Z]{1,16}$`)
	// fixedOrigin is what a URI must begin with before its first part.
	fixedOrigin = regexp.MustCompile(`^(https?://[^/?#{}@\s]+/|/([^/{}]|$))`)
)

func compileProbe(cfg *Probe, p *pattern, allow string) (*probe, error) {
	if !validMethod.MatchString(cfg.Method) {
		return nil, fmt.Errorf("channel: authorize probe: %q is no method: want GET, POST or the like", cfg.Method)
	}
	uri, err := parseTemplate(cfg.URI, p)
	if err != nil {
		return nil, fmt.Errorf("channel: authorize probe: %w", err)
	}
	switch {
	case !fixedOrigin.MatchString(uri.literals[0]):
		return nil, fmt.Errorf("channel: authorize probe: %q: want a path such as /device/{id}, or http:// or https://, a fixed host without user, and a path", cfg.URI)
	case strings.ContainsAny(cfg.URI, "# \t\r\n\\"):
		return nil, fmt.Errorf("channel: authorize probe: %q has a space, a backslash or a #", cfg.URI)
	}
	sample := strings.Join(uri.literals, "x")
	if _, err := url.Parse(sample); err != nil {
		return nil, fmt.Errorf("channel: authorize probe: %q is no URI", cfg.URI)
	}
	if dots(sample) {
		return nil, fmt.Errorf("channel: authorize probe: %q has a . or .. segment", cfg.URI)
	}
	out := &probe{method: cfg.Method, uri: uri}
	if cfg.AllowWhen != "" {
		allow = cfg.AllowWhen
	}
	if allow != "" {
		if out.allow, err = expr.Compile(expr.Response, allow, expr.Bool); err != nil {
			return nil, fmt.Errorf("channel: authorize probe: allow_when: %w", err)
		}
	}
	return out, nil
}

// dots reports whether the path of uri has a segment that a server would resolve to
// another path, as it stands or where it is decoded first. Parts can't make one, but an
// account or a claim could.
func dots(uri string) bool {
	if _, rest, ok := strings.Cut(uri, "://"); ok {
		uri = rest
	}
	path, _, _ := strings.Cut(uri, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return true
	}
	for s := range strings.FieldsFuncSeq(decoded, func(r rune) bool { return r == '/' || r == '\\' }) {
		if s == "." || s == ".." {
			return true
		}
	}
	return false
}

// answerKey is fixed in size however long commands are.
type answerKey struct {
	probe   *probe // subscribing and publishing are two questions
	login   token.Fingerprint
	command [sha256.Size]byte
}

// String is the key for those who wait for the same answer.
func (k *answerKey) String() string {
	return fmt.Sprintf("%p%s%s", k.probe, k.login[:], k.command[:])
}

type answer struct {
	allowed bool
	until   time.Time
}

// holds says that the backend allowed it a while ago, and must not be asked now.
func (r *Rules) holds(ctx context.Context, p *probe, m *Match, u *User) bool {
	if r.dormant == nil || u.Login.IsZero() {
		return false
	}
	a, ok := r.answers.Get(keyOf(p, m, u))
	return ok && a.allowed && !time.Now().Before(a.until) && r.dormant(ctx, u)
}

func keyOf(p *probe, m *Match, u *User) answerKey {
	return answerKey{p, u.Login, sha256.Sum256([]byte(m.Command))}
}

// byProbe asks the backend once for all that ask at the same time, and keeps what it
// said. Errors are not kept.
func (r *Rules) byProbe(ctx context.Context, p *probe, m *Match, u *User) error {
	key := keyOf(p, m, u)
	if a, ok := r.answers.Get(key); ok && time.Now().Before(a.until) {
		return a.err()
	}
	b, ok := p.uri.appendTo(nil, m.Command, &m.parts, u, forURI)
	uri := string(b)
	if !ok || len(uri) > maxURI || dots(uri) {
		return ErrForbidden
	}
	if u.Login.IsZero() {
		// Without an identity nothing tells one user's answer from another's.
		allowed, err := p.ask(ctx, r.probe, uri, u.Token)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return answer{allowed: allowed}.err()
	}
	flight := r.asking.DoChan(key.String(), func() (any, error) {
		// One who leaves must not take the answer from the others.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		allowed, err := p.ask(ctx, r.probe, uri, u.Token)
		if err != nil {
			return nil, err
		}
		a := answer{allowed, time.Now().Add(answerTTL)}
		r.answers.Add(key, a)
		return a, nil
	})
	select {
	case res := <-flight:
		if res.Err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, res.Err)
		}
		return res.Val.(answer).err()
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

func (a answer) err() error {
	if a.allowed {
		return nil
	}
	return ErrForbidden
}

// ask reports whether the backend allows it. An answer that says that the backend is
// in trouble says nothing about the user.
func (p *probe) ask(ctx context.Context, send ProbeFunc, uri string, t token.Token) (bool, error) {
	if send == nil {
		return false, fmt.Errorf("no way to ask")
	}
	res, err := send(ctx, p.method, uri, t)
	if err != nil {
		return false, err
	}
	if p.allows(res) {
		return true, nil
	}
	switch {
	case res.Status >= 500, res.Status == http.StatusTooManyRequests,
		res.Status == http.StatusRequestTimeout, res.Status == http.StatusTooEarly:
		return false, fmt.Errorf("the backend answered the probe with status %d", res.Status)
	}
	return false, nil
}

func (p *probe) allows(res Response) bool {
	if p.allow == nil {
		return res.Status >= 200 && res.Status < 300
	}
	body, err := expr.DecodeJSON(res.Body)
	if err != nil {
		body = nil // an expression that looks at it is false
	}
	return p.allow.Bool(expr.Vars{Status: res.Status, Headers: res.Header, Body: body})
}
