package gate

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/redisconn"
)

// evictionTimeout bounds the question after the eviction policy.
const evictionTimeout = 5 * time.Second

// warnEviction warns, once for each connection, where Redis may evict logins: a
// login whose tombstone is gone is no longer refused, and one that is gone itself
// lets a second one in. All keys of the registry have a time to live, so volatile-*
// policies evict them too.
func (g *Gate) warnEviction(rdb redis.UniversalClient) {
	ctx, cancel := context.WithTimeout(g.ctx, evictionTimeout)
	defer cancel()
	policy, err := redisconn.EvictionPolicy(ctx, rdb)
	if err != nil || policy == "" || policy == "noeviction" {
		return // what does not answer now is connected to anew, and asked then
	}
	g.logger().Warn("redis may evict logins when its memory is full, and then displaced clients are let in again; set `maxmemory-policy noeviction`, or give wsgate a redis of its own", "maxmemory-policy", policy)
}
