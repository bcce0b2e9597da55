package gate

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/wsgate/wsgate/core/session"
)

const (
	// maxListed is how many logins one list of a site's administrator has at most,
	// over all its pages, and maxSearched how many it looks at.
	maxListed   = 10_000
	maxSearched = 100_000
	// maxLists is how many such lists are made at a time; others wait.
	maxLists = 2
	// defaultRows is how many logins a page has where only its number is asked for.
	defaultRows = 10
)

// loginFilter is what an administrator searches for. Names are whole ones, as with
// RuoYi.
type loginFilter struct {
	ip, user   string
	page, size int // from 1; size 0: all
	most       int // that are found
}

func filterOf(q url.Values) (f loginFilter, err error) {
	f = loginFilter{ip: strings.TrimSpace(q.Get("ipaddr")), user: strings.TrimSpace(q.Get("userName")), page: 1, most: maxListed}
	for _, n := range []struct {
		name string
		into *int
	}{{"pageNum", &f.page}, {"pageSize", &f.size}} {
		text := q.Get(n.name)
		if text == "" {
			continue
		}
		if *n.into, err = strconv.Atoi(text); err != nil || *n.into < 1 || *n.into > maxListed {
			return f, &refusal{status: http.StatusBadRequest, code: "bad_request", message: fmt.Sprintf("%s: want 1 to %d", n.name, maxListed)}
		}
	}
	if q.Get("pageNum") != "" && f.size == 0 {
		f.size = defaultRows
	}
	return f, nil
}

func (f *loginFilter) matches(in *session.Info) bool {
	return (f.ip == "" || f.ip == in.IP) && (f.user == "" || f.user == in.Name || f.user == in.Account)
}

// cut is the page of a list.
func (f *loginFilter) cut(all []session.Info) []session.Info {
	if f.size == 0 {
		return all
	}
	from := min((f.page-1)*f.size, len(all))
	return all[from:min(from+f.size, len(all))]
}

// search finds live logins of the whole realm, the newest first. whole says that none
// was left out for being one too many.
func (g *Gate) search(ctx context.Context, f *loginFilter) (found []session.Info, whole bool, err error) {
	select {
	case g.lists <- struct{}{}:
		defer func() { <-g.lists }()
	case <-ctx.Done():
		return nil, false, context.Cause(ctx)
	}
	registry := g.shared.Load().registry
	seen := map[string]struct{}{} // SCAN may tell of a login twice
	cursor, searched := "", 0
	for {
		page, next, err := registry.List(ctx, cursor, session.MaxPage)
		if err != nil {
			return nil, false, err
		}
		for i := range page {
			if _, twice := seen[page[i].SID]; !twice && f.matches(&page[i]) {
				seen[page[i].SID] = struct{}{}
				found = append(found, page[i])
			}
		}
		searched += len(page)
		if cursor = next; cursor == "" || searched >= maxSearched || len(found) > f.most {
			break
		}
	}
	whole = cursor == "" && len(found) <= f.most
	found = found[:min(len(found), f.most)]
	slices.SortStableFunc(found, func(a, b session.Info) int { return b.Since.Compare(a.Since) })
	return found, whole, nil
}

// allLogins serves the page of `admin_sessions`: GET lists everybody's logins, also at
// /list, where RuoYi has its list, and DELETE ends the one whose sid follows the path.
func (s *Site) allLogins(p *page, w http.ResponseWriter, r *http.Request, by visitor, rest string) error {
	list := rest == "" || rest == "/list"
	switch {
	case list && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return s.listAll(p, w, r)
	case list:
		return notAllowed("GET")
	case r.Method != http.MethodDelete:
		return notAllowed("DELETE")
	case rest == "/":
		return refusedUnknown
	}
	ended, err := s.gate.Kick(r.Context(), Kick{SID: rest[1:], By: by.account})
	switch {
	case err != nil:
		return err
	case p.ruoyi:
		s.answer(w, r, ruoyiDone) // also where it had ended already, as with RuoYi
	case len(ended) == 0:
		return refusedUnknown
	default:
		s.answer(w, r, endedSIDs{Ended: []string{ended[0].SID}})
	}
	return nil
}

func (s *Site) listAll(p *page, w http.ResponseWriter, r *http.Request) error {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		return err
	}
	all, whole, err := s.gate.search(r.Context(), &f)
	if err != nil {
		return err
	}
	rows := f.cut(all)
	if p.ruoyi {
		s.answer(w, r, ruoyiTable(len(all), rows))
		return nil
	}
	answer := struct {
		Total int `json:"total"`
		// Whole says that no login was left out for being one too many.
		Whole bool `json:"whole"`
		LoginPage
	}{Total: len(all), Whole: whole}
	answer.Logins, answer.Complete = s.gate.withSockets(r.Context(), rows)
	s.answer(w, r, answer)
	return nil
}
