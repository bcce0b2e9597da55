package redisconn_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/redisconn"
)

func TestEvictionPolicy(t *testing.T) {
	t.Parallel()
	srv := proctest.Redis(t, "--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl")
	srv.CLI("ACL", "SETUSER", "noinfo", "on", ">pw", "~*", "&*", "+@all", "-info")
	srv.CLI("ACL", "SETUSER", "neither", "on", ">pw", "~*", "&*", "+@all", "-info", "-config")
	for name, tc := range map[string]struct {
		cfg  redisconn.Config
		want string
	}{
		"by INFO":       {redisconn.Config{URLs: []string{srv.URL()}}, "volatile-ttl"},
		"by CONFIG GET": {redisconn.Config{URLs: []string{srv.URL()}, Username: "noinfo", Password: "pw"}, "volatile-ttl"},
		"refused":       {redisconn.Config{URLs: []string{srv.URL()}, Username: "neither", Password: "pw"}, ""},
		"the default":   {redisconn.Config{URLs: []string{proctest.Redis(t).URL()}}, "noeviction"},
		"miniredis":     {redisconn.Config{URLs: []string{"redis://" + miniredis.RunT(t).Addr()}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			rdb, err := redisconn.Open(tc.cfg, nil, redisconn.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer rdb.Close()
			got, err := redisconn.EvictionPolicy(t.Context(), rdb)
			if err != nil || got != tc.want {
				t.Errorf("got %q and %v, want %q", got, err, tc.want)
			}
		})
	}
	rdb, err := redisconn.Open(redisconn.Config{URLs: []string{srv.URL()}}, nil, redisconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer rdb.Close()
	srv.Kill()
	if _, err := redisconn.EvictionPolicy(t.Context(), rdb); err == nil {
		t.Error("a server that is gone has a policy")
	}
}
