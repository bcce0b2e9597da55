package proctest

import (
	"io"
	"net/http"
	"strings"
)

// Fault is what goes wrong with a backend's introspection.
type Fault uint8

// The faults.
const (
	NoFault   Fault = iota
	Error500        // status 500
	Hang            // no answer before the caller gives up
	HTML            // status 200 and an HTML page
	Huge            // status 200 and 2 MiB of JSON
	Redirect        // status 302 to a page of its own
	Status429       // too many requests
	Break           // the connection ends without an answer
)

// SetFault spoils GET /getInfo from now on, or heals it.
func (b *BackendServer) SetFault(f Fault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = f
}

// spoil answers in the fault's way; false where there is none.
func (b *BackendServer) spoil(w http.ResponseWriter, r *http.Request, f Fault) bool {
	switch f {
	case NoFault:
		return false
	case Error500:
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
	case Hang:
		select {
		case <-r.Context().Done():
		case <-b.closed:
		}
	case HTML:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<!doctype html><title>It works</title>")
	case Huge:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"code":200,"user":{"userId":1},"pad":"`+strings.Repeat("x", 2<<20)+`"}`)
	case Redirect:
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	case Status429:
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case Break:
		panic(http.ErrAbortHandler)
	}
	return true
}
