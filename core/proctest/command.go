package proctest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// CLI runs one command on a connection of its own and returns the reply: strings
// and numbers as text, nil as "", an array with a line for each element, and an
// error reply as its text ("ERR …"). A server that can't be reached fails the
// test. It is safe for concurrent use.
func (s *RedisServer) CLI(args ...string) string {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c := redis.NewClient(&redis.Options{Addr: s.Addr(), Protocol: 2, MaxRetries: -1, DisableIdentity: true})
	defer func() { _ = c.Close() }()
	words := make([]any, len(args))
	for i, a := range args {
		words[i] = a
	}
	v, err := c.Do(ctx, words...).Result()
	var reply redis.Error
	switch {
	case errors.Is(err, redis.Nil):
		return ""
	case errors.As(err, &reply):
		return reply.Error()
	case err != nil:
		s.tb.Errorf("proctest: redis %s: %v", args[0], err)
		return ""
	}
	return text(v)
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		lines := make([]string, len(v))
		for i, e := range v {
			lines[i] = text(e)
		}
		return strings.Join(lines, "\n")
	default:
		return fmt.Sprint(v)
	}
}
