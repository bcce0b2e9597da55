package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/wsgate/wsgate/core/session"
)

// Admin is the administrators' HTTP API over the gates that its function yields, for a
// server that lets nobody else ask: it asks nobody who he is. What it answers has
// neither tokens nor session ids of the backend. docs/admin.md has its requests.
//
// It keeps nothing, and is safe for concurrent use.
type Admin func() iter.Seq[*Gate]

// AdminPrefix is that of the paths that Admin serves.
const AdminPrefix = "/wsgate/"

// ServeHTTP implements http.Handler.
func (a Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	var err error
	switch strings.TrimPrefix(r.URL.Path, AdminPrefix) {
	case "gates":
		err = a.gates(w, r)
	case "logins":
		err = a.logins(w, r)
	case "kick":
		err = a.kick(w, r)
	case "events":
		err = a.events(w, r)
	default:
		err = adminError{http.StatusNotFound, "not found: want gates, logins, kick or events"}
	}
	if err != nil {
		answerError(w, r, err)
	}
}

// adminError is an answer that is no success.
type adminError struct {
	status  int
	message string
}

func (e adminError) Error() string { return e.message }

// answerError answers in the shape of Caddy's own admin API.
func answerError(w http.ResponseWriter, r *http.Request, err error) {
	status := http.StatusServiceUnavailable // Redis does not answer
	var own adminError
	switch {
	case errors.As(err, &own):
		status = own.status
	case errors.Is(err, session.ErrCursor), errors.Is(err, session.ErrAccount), errors.Is(err, ErrKick), errors.Is(err, ErrEventID):
		status = http.StatusBadRequest
	case errors.Is(err, ErrNoLogins):
		status = http.StatusConflict
	}
	b, _ := json.Marshal(struct {
		Error string `json:"error"`
	}{err.Error()})
	write(w, r, status, jsonType, string(b)+"\n")
}

func answerJSON(w http.ResponseWriter, r *http.Request, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("gate: admin: %w", err)
	}
	write(w, r, http.StatusOK, jsonType, string(b)+"\n")
	return nil
}

// onlyGet refuses other methods than GET and HEAD, and parameters that are not known
// or stand twice.
func onlyGet(w http.ResponseWriter, r *http.Request, params ...string) (url.Values, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return nil, adminError{http.StatusMethodNotAllowed, "method not allowed: want GET"}
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, adminError{http.StatusBadRequest, "the query can't be read: percent-encode its values"}
	}
	for name, values := range q {
		switch {
		case !slices.Contains(params, name):
			return nil, adminError{http.StatusBadRequest, fmt.Sprintf("unknown parameter %q: want %s", name, orNone(params))}
		case len(values) > 1:
			return nil, adminError{http.StatusBadRequest, fmt.Sprintf("parameter %q stands twice", name)}
		}
	}
	return q, nil
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// flagOf reads a parameter that is true or false.
func flagOf(q url.Values, name string, def bool) (bool, error) {
	switch q.Get(name) {
	case "":
		return def, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, adminError{http.StatusBadRequest, fmt.Sprintf("%s: want true or false", name)}
}

// gate finds a gate by its name. Where one gate alone is open, its name may be left
// out.
func (a Admin) gate(name string) (*Gate, error) {
	var names []string
	var last *Gate
	for g := range a() {
		if g.name == name {
			return g, nil
		}
		last, names = g, append(names, g.name)
	}
	slices.Sort(names)
	switch {
	case name != "":
		return nil, adminError{http.StatusNotFound, fmt.Sprintf("no gate %q is open: there is %s", name, orNone(names))}
	case len(names) == 0:
		return nil, adminError{http.StatusNotFound, "no gate is open"}
	case len(names) > 1:
		return nil, adminError{http.StatusBadRequest, "several gates are open, name one as `gate`: " + strings.Join(names, ", ")}
	}
	return last, nil
}

// gates answers GET gates: what is open on this node.
func (a Admin) gates(w http.ResponseWriter, r *http.Request) error {
	if _, err := onlyGet(w, r); err != nil {
		return err
	}
	answer := struct {
		Gates []Status `json:"gates"`
	}{Gates: []Status{}}
	for g := range a() {
		answer.Gates = append(answer.Gates, g.Status())
	}
	slices.SortFunc(answer.Gates, func(x, y Status) int { return strings.Compare(x.Name, y.Name) })
	return answerJSON(w, r, answer)
}
