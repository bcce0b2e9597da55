package redisconn

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// go-redis logs to standard error, unstructured and once for every attempt, what
// it also returns as an error. All its errors are handled here, so its own log
// would only bury the server's.
func init() { redis.SetLogger(silent{}) }

type silent struct{}

// Printf implements the logger of go-redis.
func (silent) Printf(context.Context, string, ...any) {}
