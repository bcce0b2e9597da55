package token

import (
	"net/http"
	"strings"
)

// StripQuery removes query tokens from the request, so that the backend's logs
// don't get them. On a socket path every one goes, and tickets too; elsewhere only one that also
// came by header or cookie, since the backend may need the other. The rest of
// the query keeps its order and spelling. It edits r.URL and r.RequestURI.
func (f *Finder) StripQuery(r *http.Request, onSocketPath bool) {
	if r.URL.RawQuery == "" {
		return
	}
	var out strings.Builder
	removed := false
	var before byte
	for q := r.URL.RawQuery; q != ""; {
		name, value, param, rest, sep := nextParam(q)
		if f.strips(r, name, value, onSocketPath) {
			removed = true
		} else {
			if before != 0 && out.Len() > 0 {
				out.WriteByte(before)
			}
			out.WriteString(param)
			if rest == "" && sep != 0 {
				out.WriteByte(sep)
			}
		}
		q, before = rest, sep
	}
	if !removed {
		return
	}
	r.URL.RawQuery = out.String()
	if i := strings.IndexByte(r.RequestURI, '?'); i >= 0 {
		r.RequestURI = r.RequestURI[:i]
		if r.URL.RawQuery != "" {
			r.RequestURI += "?" + r.URL.RawQuery
		}
	}
}

func (f *Finder) strips(r *http.Request, name, value string, onSocketPath bool) bool {
	if onSocketPath && f.ticket && strings.EqualFold(name, ticketParam) {
		return true
	}
	for i := range f.sources {
		s := &f.sources[i]
		if s.Kind != Query || !strings.EqualFold(name, s.Name) {
			continue
		}
		if onSocketPath {
			return true
		}
		var a, b [maxReadings]reading
		if f.elsewhere(r, queryReadings(a[:0], value, s), b[:0]) {
			return true
		}
	}
	return false
}

// elsewhere says whether a header or cookie source carries the same value.
func (f *Finder) elsewhere(r *http.Request, rs, scratch []reading) bool {
	for i := range f.sources {
		s := &f.sources[i]
		switch s.Kind {
		case Header:
			for _, v := range r.Header[s.Name] {
				if overlap(rs, headerReadings(scratch, v, s.Scheme, s.SchemeOptional)) {
					return true
				}
			}
		case Cookie:
			for _, line := range r.Header["Cookie"] {
				for line != "" {
					var name, value string
					if name, value, line = nextCookie(line); strings.EqualFold(name, s.Name) && overlap(rs, cookieReadings(scratch, value)) {
						return true
					}
				}
			}
		case Query, Subprotocol, Path, FirstMessage, Ticket:
		}
	}
	return false
}

func overlap(a, b []reading) bool {
	for _, x := range a {
		for _, y := range b {
			if x.value == y.value && !x.odd && !y.odd {
				return true
			}
		}
	}
	return false
}
