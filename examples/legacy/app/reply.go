package app

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 64 << 10

// Codes of the body. The HTTP status stays 200: that is the shape that the
// front ends of this family of backends look for.
const (
	codeOK           = 200
	codeUnauthorized = 401
	codeForbidden    = 403
	codeError        = 500
)

const msgOK = "操作成功"

// reply is a body under construction: code and msg, and what a handler adds.
type reply map[string]any

func succeed() reply                       { return reply{"code": codeOK, "msg": msgOK} }
func fail(code int, msg string) reply      { return reply{"code": code, "msg": msg} }
func (p reply) with(k string, v any) reply { p[k] = v; return p }

func (p reply) send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json;charset=utf-8")
	h.Set("Cache-Control", "no-store")
	// A failed write means that the client has gone: nobody is left to tell.
	_ = json.NewEncoder(w).Encode(p)
}

// readJSON decodes the whole body into v.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("app: more than one JSON value in the body")
	}
	return nil
}
