package redisconn

// Config says where Redis is: one server, a Cluster, or the Sentinels that know
// which server is the master.
type Config struct {
	// URLs are redis://, rediss:// or unix:// addresses. Several are nodes of one
	// Redis Cluster, with Sentinel set they are Sentinels. Placeholders are replaced
	// at load. Default: redis://127.0.0.1:6379.
	URLs []string `json:"urls,omitempty"`
	// Sentinel is the name of the master that the Sentinels watch. The URLs'
	// user and password are then the Sentinels', Username and Password the
	// servers'; the URLs' database is the servers', and rediss:// is for both.
	Sentinel string `json:"sentinel,omitempty"`
	// ShardedPubsub relays what is sent with SPUBLISH in place of PUBLISH; only
	// with a Cluster, of Redis 7 or newer. Default: false.
	ShardedPubsub bool `json:"sharded_pubsub,omitempty"`
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

// Effective is the configuration with the default address written out.
func (c Config) Effective() Config {
	if len(c.URLs) == 0 {
		c.URLs = []string{defaultURL}
	}
	return c
}

// Cluster says that the configuration is one of a Redis Cluster.
func (c Config) Cluster() bool { return c.Sentinel == "" && len(c.URLs) > 1 }

// several says that the URLs only lead to the servers that are talked to.
func (c Config) several() bool { return c.Sentinel != "" || len(c.URLs) > 1 }
