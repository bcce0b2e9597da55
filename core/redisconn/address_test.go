package redisconn_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/redisconn"
)

func TestMisuseIsExplainedWithoutThePassword(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  redisconn.Config
		want string
	}{
		"cluster, two users":   {redisconn.Config{URLs: []string{"redis://canary:x@a", "redis://b"}}, "differ in nothing but host and port"},
		"cluster, two schemes": {redisconn.Config{URLs: []string{"redis://a", "rediss://b"}}, "differ in nothing but host and port"},
		"cluster, a database":  {redisconn.Config{URLs: []string{"redis://a/1", "redis://b/1"}}, "no database but 0"},
		"cluster, a socket":    {redisconn.Config{URLs: []string{"unix:///a", "unix:///b"}}, "for one server"},
		"sentinel, a socket":   {redisconn.Config{URLs: []string{"unix:///a"}, Sentinel: "m"}, "for one server"},
		"sentinel, user alone": {redisconn.Config{URLs: []string{"redis://a"}, Sentinel: "m", Username: "canary"}, "needs a password"},
		"sharded, one server":  {redisconn.Config{URLs: []string{"redis://a"}, ShardedPubsub: true}, "for a Redis Cluster"},
		"sharded, sentinel":    {redisconn.Config{URLs: []string{"redis://a", "redis://b"}, Sentinel: "m", ShardedPubsub: true}, "for a Redis Cluster"},
		"no scheme":            {redisconn.Config{URLs: []string{"127.0.0.1:6379"}}, "starts with redis://"},
		"another scheme":       {redisconn.Config{URLs: []string{"http://canary"}}, "starts with redis://"},
		"slash in password":    {redisconn.Config{URLs: []string{"redis://u:can/ary@h:1"}}, "percent-encoded"},
		"digits before slash":  {redisconn.Config{URLs: []string{"redis://u:12/canary@h:1"}}, "percent-encoded"},
		"hash in password":     {redisconn.Config{URLs: []string{"redis://:1#canary@h:1"}}, "percent-encoded"},
		"query in password":    {redisconn.Config{URLs: []string{"redis://:1?canary@h:1"}}, "redis://user:password@host"},
		"database by name":     {redisconn.Config{URLs: []string{"redis://h:1/canary"}}, "redis://user:password@host"},
		"negative database":    {redisconn.Config{URLs: []string{"redis://h:1?db=-1"}}, "negative"},
		"unknown parameter":    {redisconn.Config{URLs: []string{"redis://h:1?canary=1"}}, "parameters"},
		"protocol":             {redisconn.Config{URLs: []string{"redis://h:1?protocol=3"}}, "set by wsgate"},
		"unix without path":    {redisconn.Config{URLs: []string{"unix://"}}, "redis://user:password@host"},
		"cert without key":     {redisconn.Config{URLs: []string{"rediss://h:1"}, TLSCert: "c"}, "tls_key"},
		"tls without rediss":   {redisconn.Config{URLs: []string{"redis://h:1"}, TLSCA: "c"}, "rediss://"},
		"missing ca":           {redisconn.Config{URLs: []string{"rediss://h:1"}, TLSCA: "/nonexistent"}, "tls_ca"},
		"ca that is none":      {redisconn.Config{URLs: []string{"rediss://h:1"}, TLSCA: "address.go"}, "no PEM"},
		"missing cert":         {redisconn.Config{URLs: []string{"rediss://h:1"}, TLSCert: "/nonexistent", TLSKey: "/nonexistent"}, "tls_cert"},
		"user, no password":    {redisconn.Config{URLs: []string{"redis://h:1"}, Username: "canary"}, "needs a password"},
		"an empty placeholder": {redisconn.Config{URLs: []string{"redis://h:1"}, Password: "{env.NONE}"}, "placeholder is empty"},
		"a failed placeholder": {redisconn.Config{URLs: []string{"{env.FAIL}"}}, "address: unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := redisconn.Open(tc.cfg, expand, redisconn.Options{})
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "redisconn: ") {
				t.Fatalf("got %v, want an error with %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "ary@") {
				t.Fatalf("the error shows a secret: %v", err)
			}
		})
	}
}

func expand(s string) (string, error) {
	switch s {
	case "{env.NONE}":
		return "", nil
	case "{env.FAIL}":
		return "", errors.New("unknown")
	}
	return strings.ReplaceAll(s, "{env.HOST}", "example.net:7000"), nil
}

func TestPlaceholdersAndDefaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  redisconn.Config
		addr string
		db   int
	}{
		"nothing set":   {redisconn.Config{}, "127.0.0.1:6379", 0},
		"a placeholder": {redisconn.Config{URLs: []string{"redis://{env.HOST}/4"}}, "example.net:7000", 4},
		"ipv6":          {redisconn.Config{URLs: []string{"redis://[::1]:7/1"}}, "[::1]:7", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := redisconn.OpenLink(tc.cfg, expand, redisconn.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if o := c.Options(); o.Addr != tc.addr || o.DB != tc.db {
				t.Fatalf("got %s database %d, want %s database %d", o.Addr, o.DB, tc.addr, tc.db)
			}
		})
	}
}
