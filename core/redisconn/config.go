package redisconn

// Config says where Redis is.
type Config struct {
	// URLs has one redis://, rediss:// or unix:// address. Placeholders are
	// replaced at load. Default: redis://127.0.0.1:6379.
	URLs []string `json:"urls,omitempty"`
	// Username is the ACL user; it wins over the URL's. Default: the URL's.
	Username string `json:"username,omitempty"`
	// Password wins over the URL's. Use a placeholder such as {env.X}.
	Password string `json:"password,omitempty"`
	// TLSCA is a PEM file of the authorities to trust. Default: the system's.
	TLSCA string `json:"tls_ca,omitempty"`
	// TLSCert and TLSKey are PEM files of a client certificate. Default: none.
	TLSCert string `json:"tls_cert,omitempty"`
	TLSKey  string `json:"tls_key,omitempty"`
}
