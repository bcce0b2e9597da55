package expr

import (
	"net/http"

	"cel.dev/cel-go/cel"

	"github.com/wsgate/wsgate/core/token"
)

// Vars are the values of the variables. Those that the program's kind does not
// have are not looked at.
type Vars struct {
	// Status, Headers and Body are those of an answer. Body comes from
	// DecodeJSON; nil is null. NoBody makes any use of body an evaluation
	// error, for an answer that is no JSON.
	Status  int
	Headers http.Header
	Body    any
	NoBody  bool
	// Token is the token that was asked about.
	Token token.Token
	// JWT is what JWTClaims returned; nil means that the token is no JWT, and
	// makes any use of jwt an evaluation error.
	JWT any

	// User, Claims and Device are what introspection found.
	User   string
	Claims any
	Device string
	// Request is the client's request.
	Request RequestVars
	// Params are the parts of the channel's pattern.
	Params map[string]string
}

// RequestVars are the variables request.method and so on.
type RequestVars struct {
	Method  string
	Path    string
	Headers http.Header
	IP      string
}

// activation resolves variables when they are asked for.
type activation Vars

func (a *activation) Parent() cel.Activation { return nil }

func (a *activation) ResolveName(name string) (any, bool) {
	switch name {
	case "status":
		return a.Status, true
	case "headers":
		return headerMap(a.Headers), true
	case "body":
		return a.Body, !a.NoBody
	case "token":
		return a.Token.Raw(), true
	case "jwt":
		return a.JWT, a.JWT != nil
	case "user":
		return a.User, true
	case "claims":
		return a.Claims, true
	case "device":
		return a.Device, true
	case "request.method":
		return a.Request.Method, true
	case "request.path":
		return a.Request.Path, true
	case "request.headers":
		return headerMap(a.Request.Headers), true
	case "request.ip":
		return a.Request.IP, true
	case "params":
		return a.Params, true
	}
	return nil, false
}
