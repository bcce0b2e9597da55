package channel

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

var validName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Names with a meaning of their own. {account} is for the account command alone.
const (
	accountName = "account"
	userName    = "user"
	claimsName  = "claims"
)

// shorthands are the names that a Caddyfile replaces by its own placeholders before
// anything here sees them, with what it makes of them.
var shorthands = map[string]string{
	"client_ip":                         "http.vars.client_ip",
	"dir":                               "http.request.uri.path.dir",
	"file":                              "http.request.uri.path.file",
	"host":                              "http.request.host",
	"hostport":                          "http.request.hostport",
	"method":                            "http.request.method",
	"orig_dir":                          "http.request.orig_uri.path.dir",
	"orig_file":                         "http.request.orig_uri.path.file",
	"orig_method":                       "http.request.orig_method",
	"orig_path":                         "http.request.orig_uri.path",
	"orig_query":                        "http.request.orig_uri.query",
	"orig_uri":                          "http.request.orig_uri",
	"path":                              "http.request.uri.path",
	"port":                              "http.request.port",
	"query":                             "http.request.uri.query",
	"remote":                            "http.request.remote",
	"remote_host":                       "http.request.remote.host",
	"remote_port":                       "http.request.remote.port",
	"scheme":                            "http.request.scheme",
	"tls_cipher":                        "http.request.tls.cipher_suite",
	"tls_client_certificate_der_base64": "http.request.tls.client.certificate_der_base64",
	"tls_client_certificate_pem":        "http.request.tls.client.certificate_pem",
	"tls_client_fingerprint":            "http.request.tls.client.fingerprint",
	"tls_client_issuer":                 "http.request.tls.client.issuer",
	"tls_client_serial":                 "http.request.tls.client.serial",
	"tls_client_subject":                "http.request.tls.client.subject",
	"tls_version":                       "http.request.tls.version",
	"upstream_hostport":                 "http.reverse_proxy.upstream.hostport",
	"uri":                               "http.request.uri",
	"uuid":                              "http.request.uuid",
}

// checkName says what is wrong with the name of a part of a pattern.
func checkName(name string) error {
	for short, long := range shorthands {
		if name == short || name == long {
			return fmt.Errorf("channel: a part can't be called {%s}: a Caddyfile replaces that by {%s}; choose another name", short, long)
		}
	}
	if name == userName || name == claimsName {
		return fmt.Errorf("channel: a part can't be called {%s}: that stands for the login in templates; choose another name", name)
	}
	if !validName.MatchString(name) {
		return fmt.Errorf("channel: {%s} is no name: want a-z, then a-z, 0-9 and _", name)
	}
	return nil
}

// splitBraces cuts text at its {name} parts: literals[0] names[0] literals[1] ….
func splitBraces(text string) (literals, names []string, err error) {
	if !utf8.ValidString(text) {
		return nil, nil, fmt.Errorf("channel: %q is not UTF-8, and so no client can send it", text)
	}
	for rest := text; ; {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			return append(literals, rest), names, nil
		}
		j := strings.IndexAny(rest[i+1:], "{}")
		if rest[i] == '}' || j < 0 || rest[i+1+j] == '{' {
			return nil, nil, fmt.Errorf("channel: %q: braces stand in pairs, around a name", text)
		}
		literals, names = append(literals, rest[:i]), append(names, rest[i+1:i+1+j])
		rest = rest[i+j+2:]
	}
}
