package gate

import (
	"testing"

	"github.com/wsgate/wsgate/core/channel"
)

// TestLaravelBroadcastsReachAPage publishes as Laravel's redis broadcaster does: a script
// that publishes one payload on each channel, with the prefix of its database
// configuration.
func TestLaravelBroadcastsReachAPage(t *testing.T) {
	t.Parallel()
	const (
		script  = `for i = 2, #ARGV do redis.call('publish', ARGV[i], ARGV[1]) end`
		payload = `{"event":"App\\Events\\OrderShipped","data":{"order":{"id":7,"name":"Stra\u00dfe","url":"https:\/\/shop.example\/7"}},"socket":null}`
	)
	rule := channel.Config{Pattern: "private-orders.{id}", Redis: "laravel_database_private-orders.{id}"}
	s := newStack(t, func(c *Config) {
		events(c)
		rule.Authorize = &channel.Authorize{Probe: &channel.Probe{Method: "GET", URI: "/getInfo?order={id}", AllowWhen: "status == 200 && body.code == 200"}}
		c.Sockets[0].Channels = append(c.Sockets[0].Channels, rule)
		c.SSE[0].Channels = append(c.SSE[0].Channels, rule)
	})
	n := s.node()
	tok := s.backend.Login("bob")
	ws, es := n.socket(tok), n.stream(streamPath(tok, "private-orders.7"))
	ws.Send("private-orders.7")
	ws.Send("ping")
	ws.Expect("pong")
	s.redis.CLI("EVAL", script, "0", payload, "laravel_database_private-orders.8", "laravel_database_private-orders.7")
	ws.Expect(payload)
	es.Expect("", payload)
	// Not without the prefix, which is Laravel's own.
	s.redis.CLI("EVAL", script, "0", "nobody's", "private-orders.7")
	s.redis.CLI("EVAL", script, "0", payload, "laravel_database_private-orders.7")
	for _, get := range []func(){func() { ws.Expect(payload) }, func() { es.Expect("", payload) }} {
		get()
	}
	if calls := s.backend.Calls("/getInfo"); calls < 2 {
		t.Errorf("the backend was asked %d times, want its word on the channel too", calls)
	}
}
