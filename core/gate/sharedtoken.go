package gate

import (
	"net/http"

	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
)

// Some backends hand the same token to every login of an account. There a login is the
// token in one browser, known by its device cookie, and its generations begin with
// observed logins. All requests without the cookie are one login: of clients that keep
// none, or that have not been given theirs. Such a login, as any that nobody saw
// begin, takes a free seat only. So a displaced client that throws its cookie away
// stays out, and one that keeps no cookies at all is shut out by an observed login,
// its own too.

// fingerprint names what a token stands for in a browser.
func (sh *shared) fingerprint(t token.Token, browser string) token.Fingerprint {
	fp := sh.key.Fingerprint(t)
	if !sh.sharedTokens {
		return fp
	}
	return sh.key.Label("shared token", fp.String()+browser)
}

// fingerprintOf is fingerprint for the browser of a request.
func (s *Site) fingerprintOf(sh *shared, r *http.Request, t token.Token) token.Fingerprint {
	if !sh.sharedTokens {
		return sh.key.Fingerprint(t)
	}
	return sh.fingerprint(t, sh.devices.Browser(r, r.TLS != nil, s.opts.ClientIP(r)))
}

// identityOf names the login that a token is of.
func (sh *shared) identityOf(q *introspect.Query, id *introspect.Identity) session.Identity {
	if sh.sharedTokens {
		return session.IdentityOf(sh.key, id.Subject, q.Fingerprint.String(), q.Token)
	}
	return session.IdentityOf(sh.key, id.Subject, id.Session, q.Token)
}

// lineage makes a browser that nobody saw log in the heir of the login without a
// cookie: it had none until the answer to that one's request.
func (sh *shared) lineage(q *introspect.Query, cl *session.Claim) {
	if !sh.sharedTokens || cl.Observed || !cl.Predecessor.IsZero() {
		return
	}
	if bare := sh.fingerprint(q.Token, ""); bare != q.Fingerprint {
		cl.Predecessor = bare
	}
}
