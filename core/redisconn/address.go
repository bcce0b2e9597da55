package redisconn

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/conf"
)

const defaultURL = "redis://127.0.0.1:6379"

// Validate reports what is wrong with c whatever its placeholders turn out to be.
func (c Config) Validate() error {
	if len(c.URLs) > 1 {
		return errors.New("redisconn: several addresses mean Redis Cluster, which this version does not support yet: give one")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("redisconn: tls_cert and tls_key go together: give both files or neither")
	}
	if len(c.URLs) == 0 || strings.Contains(c.URLs[0], "{") {
		return nil
	}
	_, err := parse(c.URLs[0])
	return err
}

// options are those of a go-redis client, all placeholders replaced.
func (c Config) options(expand conf.Expand) (*redis.Options, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if expand == nil {
		expand = func(s string) (string, error) { return s, nil }
	}
	addr := defaultURL
	if len(c.URLs) == 1 {
		addr = c.URLs[0]
	}
	for _, o := range []struct {
		name  string
		value *string
	}{
		{"address", &addr},
		{"username", &c.Username},
		{"password", &c.Password},
		{"tls_ca", &c.TLSCA},
		{"tls_cert", &c.TLSCert},
		{"tls_key", &c.TLSKey},
	} {
		if *o.value == "" {
			continue
		}
		full, err := expand(*o.value)
		if err != nil {
			return nil, fmt.Errorf("redisconn: %s: %w", o.name, err)
		}
		if full == "" {
			// An unset variable must not turn into the default server or into
			// a login without a password.
			return nil, fmt.Errorf("redisconn: %s: the placeholder is empty: set what it names or leave the option out", o.name)
		}
		*o.value = full
	}
	opt, err := parse(addr)
	if err != nil {
		return nil, err
	}
	if c.Username != "" {
		opt.Username = c.Username
	}
	if c.Password != "" {
		opt.Password = c.Password
	}
	if opt.Username != "" && opt.Password == "" {
		return nil, errors.New("redisconn: a username needs a password")
	}
	if opt.TLSConfig != nil {
		if err := loadTLS(opt.TLSConfig, c.TLSCA, c.TLSCert, c.TLSKey); err != nil {
			return nil, err
		}
	} else if c.TLSCA != "" || c.TLSCert != "" {
		return nil, errors.New("redisconn: TLS files need an address that starts with rediss://")
	}
	tune(opt)
	return opt, nil
}

// parse reads one address. Its errors never quote the address: a password with a
// slash or a hash in it lands in another part of the URL and would be shown.
func parse(addr string) (*redis.Options, error) {
	scheme, _, ok := strings.Cut(addr, "://")
	if !ok || (scheme != "redis" && scheme != "rediss" && scheme != "unix") {
		return nil, errors.New("redisconn: an address starts with redis://, rediss:// or unix://")
	}
	u, err := url.Parse(addr)
	if err != nil {
		return nil, errors.New("redisconn: the address is no URL; characters such as / # @ : % in a password are written percent-encoded, or the password goes into `password`")
	}
	if u.Fragment != "" || strings.Contains(u.Path, "@") {
		return nil, errors.New("redisconn: the address has a # or @ in a wrong place; characters such as / # @ : % in a password are written percent-encoded, or the password goes into `password`")
	}
	opt, err := redis.ParseURL(addr)
	if err != nil {
		return nil, errors.New("redisconn: the address has a form such as redis://user:password@host:6379/0 or unix:///path/redis.sock?db=0, with no other parameters than go-redis has")
	}
	if opt.DB < 0 {
		return nil, errors.New("redisconn: the database number is negative")
	}
	if u.Query().Has("protocol") || u.Query().Has("client_name") {
		return nil, errors.New("redisconn: protocol and client_name are set by wsgate; take them out of the address")
	}
	return opt, nil
}
