package redisconn

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/conf"
)

const defaultURL = "redis://127.0.0.1:6379"

// Validate reports what is wrong with c whatever its placeholders turn out to be.
func (c Config) Validate() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("redisconn: tls_cert and tls_key go together: give both files or neither")
	}
	if c.ShardedPubsub && !c.Cluster() {
		return errors.New("redisconn: sharded_pubsub is for a Redis Cluster: give the addresses of several of its nodes, or leave it out")
	}
	if len(c.URLs) == 0 {
		return c.fits(&redis.Options{})
	}
	for i, addr := range c.URLs {
		if strings.Contains(addr, "{") {
			continue
		}
		opt, err := parse(addr)
		if err != nil {
			return err
		}
		if err := c.fits(opt); err != nil {
			return err
		}
		if slices.Contains(c.URLs[:i], addr) {
			return errors.New("redisconn: an address stands twice: write it once")
		}
	}
	return nil
}

// fits says what is wrong with one of several addresses.
func (c Config) fits(opt *redis.Options) error {
	switch {
	case c.several() && opt.Network == "unix":
		return errors.New("redisconn: a unix:// address is for one server; a Cluster or Sentinel has redis:// or rediss:// addresses")
	case c.Cluster() && opt.DB != 0:
		return errors.New("redisconn: a Redis Cluster has no database but 0: take the number out of the address")
	case opt.TLSConfig == nil && (c.TLSCA != "" || c.TLSCert != ""):
		return errors.New("redisconn: tls_ca, tls_cert and tls_key need an address that starts with rediss://")
	}
	return nil
}

// target is a configuration with all placeholders replaced.
type target struct {
	Config
	servers []*redis.Options // one for each address
}

func (c Config) target(expand conf.Expand) (*target, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	urls := slices.Clone(c.Effective().URLs)
	if err := c.expand(urls, expand); err != nil {
		return nil, err
	}
	all := make([]*redis.Options, len(urls))
	for i, addr := range urls {
		opt, err := parse(addr)
		if err != nil {
			return nil, err
		}
		if err := c.complete(opt); err != nil {
			return nil, err
		}
		first := all[0]
		if i > 0 && ((opt.TLSConfig == nil) != (first.TLSConfig == nil) ||
			opt.DB != first.DB || opt.Username != first.Username || opt.Password != first.Password) {
			return nil, errors.New("redisconn: several addresses differ in nothing but host and port; username and password may stand once, as options")
		}
		all[i] = opt
	}
	return &target{c, all}, nil
}

// expand replaces the placeholders of the addresses, and of what stands beside them.
func (c *Config) expand(urls []string, expand conf.Expand) error {
	if expand == nil {
		return nil
	}
	type setting struct {
		name  string
		value *string
	}
	list := []setting{
		{"sentinel", &c.Sentinel},
		{"username", &c.Username},
		{"password", &c.Password},
		{"tls_ca", &c.TLSCA},
		{"tls_cert", &c.TLSCert},
		{"tls_key", &c.TLSKey},
	}
	for i := range urls {
		list = append(list, setting{"address", &urls[i]})
	}
	for _, o := range list {
		if *o.value == "" {
			continue
		}
		full, err := expand(*o.value)
		if err != nil {
			return fmt.Errorf("redisconn: %s: %w", o.name, err)
		}
		if full == "" {
			// An unset variable must not turn into the default server or into
			// a login without a password.
			return fmt.Errorf("redisconn: %s: the placeholder is empty: set what it names or leave the option out", o.name)
		}
		*o.value = full
	}
	return nil
}

// complete adds to an address what stands beside it.
func (c *Config) complete(opt *redis.Options) error {
	if err := c.fits(opt); err != nil {
		return err
	}
	if c.Sentinel == "" {
		if c.Username != "" {
			opt.Username = c.Username
		}
		if c.Password != "" {
			opt.Password = c.Password
		}
	} else if c.Username != "" && c.Password == "" {
		return errNoPassword
	}
	if opt.Username != "" && opt.Password == "" {
		return errNoPassword
	}
	if opt.TLSConfig != nil {
		if c.several() {
			opt.TLSConfig.ServerName = "" // that of whichever server is dialed
		}
		if err := loadTLS(opt.TLSConfig, c.TLSCA, c.TLSCert, c.TLSKey); err != nil {
			return err
		}
	}
	tune(opt)
	return nil
}

var errNoPassword = errors.New("redisconn: a username needs a password")

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
	if _, port, err := net.SplitHostPort(opt.Addr); opt.Network != "unix" && err == nil {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return nil, errors.New("redisconn: the port of the address is none: want 1 to 65535")
		}
	}
	if u.Query().Has("protocol") || u.Query().Has("client_name") {
		return nil, errors.New("redisconn: protocol and client_name are set by wsgate; take them out of the address")
	}
	return opt, nil
}
