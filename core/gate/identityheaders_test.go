package gate

import (
	"net/http"
	"slices"
	"testing"

	"github.com/wsgate/wsgate/core/expr"
)

func TestIdentityHeadersStripEverySpelling(t *testing.T) {
	t.Parallel()
	h, err := newIdentityHeaders([]Forward{{Header: "X-User-Id", Value: "user"}})
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{
		Header: http.Header{
			"X-User-Id":  {"forged"},
			"x-user-id":  {"forged"},
			"X_user_id":  {"forged"},
			"X-User_ID":  {"forged"},
			"X-User-Ids": {"another"},
			"Connection": {"keep-alive, X-User-Id", "x_user_id"},
		},
		Trailer: http.Header{"X-User-Id": nil},
	}
	h.strip(r)
	if len(r.Trailer) != 0 {
		t.Errorf("trailer kept: %v", r.Trailer)
	}
	for name := range r.Header {
		if name != "X-User-Ids" && name != "Connection" {
			t.Errorf("%s survived", name)
		}
	}
	if got := r.Header["Connection"]; !slices.Equal(got, []string{"keep-alive", ""}) {
		t.Errorf("Connection = %q", got)
	}
	h.set(r, expr.Vars{User: "7"})
	if got := r.Header.Get("X-User-Id"); got != "7" {
		t.Errorf("X-User-Id = %q, want 7", got)
	}
}

func TestIdentityHeadersNeverSplit(t *testing.T) {
	t.Parallel()
	h, err := newIdentityHeaders([]Forward{{Header: "X-User", Value: "user"}})
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Header: http.Header{}}
	h.set(r, expr.Vars{User: "eve\r\nX-Admin: 1"})
	if len(r.Header) != 0 {
		t.Errorf("a header was set from a value with a line end: %v", r.Header)
	}
}
