package redisconn

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// EvictionPolicy says what the server does when its memory is full: its
// maxmemory-policy, such as noeviction or allkeys-lru. It is "" where the server
// doesn't say, be it that the user may ask neither INFO nor CONFIG GET, or that it
// is no real Redis; only trouble with the connection is an error.
func EvictionPolicy(ctx context.Context, rdb redis.UniversalClient) (string, error) {
	info, err := rdb.Info(ctx, "memory").Result()
	if err != nil && !refused(err) {
		return "", err
	}
	for line := range strings.Lines(info) {
		if policy, ok := strings.CutPrefix(line, "maxmemory_policy:"); ok {
			return strings.TrimSpace(policy), nil
		}
	}
	conf, err := rdb.ConfigGet(ctx, "maxmemory-policy").Result()
	if err != nil && !refused(err) {
		return "", err
	}
	return conf["maxmemory-policy"], nil
}

// refused says that the server answered, with an error of its own.
func refused(err error) bool {
	var e redis.Error
	return errors.As(err, &e)
}
