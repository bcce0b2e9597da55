package caddymodule

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/wsgate/wsgate/core/gate"
	"github.com/wsgate/wsgate/core/redisconn"
)

// parseRedis parses where Redis is. Syntax:
//
//	redis [<url>...] {
//		sentinel <master>
//		sharded_pubsub
//		username <name>
//		password <password>
//		tls_ca   <file>
//		tls_cert <file>
//		tls_key  <file>
//	}
func parseRedis(d *caddyfile.Dispenser, c *gate.Config) error {
	urls := d.RemainingArgs()
	for _, u := range urls {
		if strings.Contains(u, ",") {
			return d.Err("redis: several addresses are separated by spaces, each a whole redis:// URL")
		}
	}
	c.Redis.URLs = urls
	line := *d
	if err := parseBlock(d, redisBlock, &c.Redis); err != nil {
		return err
	}
	if err := c.Redis.Validate(); err != nil {
		return line.WrapErr(err)
	}
	return nil
}

var redisBlock = block[redisconn.Config]{
	name: "redis",
	subs: []sub[redisconn.Config]{
		{name: "sentinel", syntax: "<master>", parse: func(d *caddyfile.Dispenser, c *redisconn.Config) error {
			return word(d, &c.Sentinel)
		}},
		{name: "sharded_pubsub", parse: func(d *caddyfile.Dispenser, c *redisconn.Config) error {
			c.ShardedPubsub = true
			return nil
		}},
		{name: "username", syntax: "<name>", parse: func(d *caddyfile.Dispenser, c *redisconn.Config) error {
			return word(d, &c.Username)
		}},
		{name: "password", syntax: "<password>", parse: func(d *caddyfile.Dispenser, c *redisconn.Config) error {
			return word(d, &c.Password)
		}},
		{name: "tls_ca", syntax: "<file>", parse: func(d *caddyfile.Dispenser, c *redisconn.Config) error {
			return word(d, &c.TLSCA)
		}},
		{name: "tls_cert", syntax: "<file>", parse: func(d *caddyfile.Dispenser, c *redisconn.Config) error {
			return word(d, &c.TLSCert)
		}},
		{name: "tls_key", syntax: "<file>", parse: func(d *caddyfile.Dispenser, c *redisconn.Config) error {
			return word(d, &c.TLSKey)
		}},
	},
}
