package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/wsgate/wsgate/core/session"
)

// maxKick bounds the body of a kick, in bytes: an account's name may have 64 KiB, and
// six times as many where JSON escapes it.
const maxKick = 512 << 10

// byAdmin is who kicked, where it was the admin API.
const byAdmin = "admin API"

// logins answers GET logins: those of an account, or all, by pages.
func (a Admin) logins(w http.ResponseWriter, r *http.Request) error {
	q, err := onlyGet(w, r, "gate", "account", "online", "cursor", "limit")
	if err != nil {
		return err
	}
	g, err := a.gate(q.Get("gate"))
	if err != nil {
		return err
	}
	lq := LoginQuery{Account: q.Get("account"), Cursor: q.Get("cursor")}
	if lq.Online, err = flagOf(q, "online", false); err != nil {
		return err
	}
	if limit := q.Get("limit"); limit != "" {
		lq.Limit, err = strconv.Atoi(limit)
		if err != nil || lq.Limit < 1 || lq.Limit > session.MaxPage {
			return adminError{http.StatusBadRequest, fmt.Sprintf("limit: want 1 to %d", session.MaxPage)}
		}
	}
	if lq.Account != "" && (lq.Cursor != "" || lq.Limit != 0) {
		return adminError{http.StatusBadRequest, "one account's logins are not paged: leave cursor and limit out"}
	}
	ctx, cancel := context.WithTimeout(r.Context(), resolveTimeout)
	defer cancel()
	page, err := g.Logins(ctx, lq)
	if err != nil {
		return err
	}
	return answerJSON(w, r, struct {
		Gate string `json:"gate"`
		LoginPage
	}{g.name, page})
}

// kick answers POST kick.
func (a Admin) kick(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return adminError{http.StatusMethodNotAllowed, "method not allowed: want POST"}
	}
	// A page of any site may send a form here, but JSON only if the server agrees.
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return adminError{http.StatusUnsupportedMediaType, "want a JSON object, with Content-Type: application/json"}
	}
	var body struct {
		Gate string `json:"gate"`
		Kick
	}
	if err := readJSON(w, r, &body); err != nil {
		return err
	}
	g, err := a.gate(body.Gate)
	if err != nil {
		return err
	}
	body.By = byAdmin
	ctx, cancel := context.WithTimeout(r.Context(), resolveTimeout)
	defer cancel()
	ended, err := g.Kick(ctx, body.Kick)
	if err != nil {
		return err
	}
	return answerJSON(w, r, struct {
		Gate  string  `json:"gate"`
		Ended []Ended `json:"ended"`
	}{g.name, append([]Ended{}, ended...)})
}

// readJSON reads one JSON object, and nothing but what it may have.
func readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxKick))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("there is something after the object")
	}
	status := http.StatusBadRequest
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		status = http.StatusRequestEntityTooLarge
	}
	if other := (*json.UnmarshalTypeError)(nil); errors.As(err, &other) {
		err = fmt.Errorf("there is a JSON %s", other.Value) // encoding/json speaks of Go's types
		if other.Field != "" {
			name := other.Field[strings.LastIndexByte(other.Field, '.')+1:]
			err = fmt.Errorf("%s is a JSON %s, want a %v", name, other.Value, other.Type)
		}
	}
	return adminError{status, "the body is not a JSON object as it should be: " + err.Error()}
}
