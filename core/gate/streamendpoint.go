package gate

import (
	"fmt"
	"strings"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/introspect"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire/sse"
)

// streamRules are what an sse path allows.
type streamRules struct {
	rules    *channel.Rules
	joins    *channel.Joins
	errors   bool // tell clients of refused commands
	channels int
	gap      string
}

// defaultGap are the data of the event of lost messages. Unlike a socket's page, one
// that doesn't listen to the event never sees it.
const defaultGap = "gap"

func newStreamEndpoint(asks channel.Options, cfg *Config, sc *Socket, preset introspect.Preset, l Limits) (*endpoint, error) {
	asks.Allow = preset.Allow
	rules, err := channel.Compile(sc.Account, sc.Channels, cfg.keyPrefix(), asks)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	joins, err := channel.CompileJoins(sc.Join, cfg.keyPrefix(), rules)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	told, err := newNotices(sc.Messages, sse.Event)
	if err != nil {
		return nil, err
	}
	gap := defaultGap
	switch {
	case told.gap.encode != nil:
		gap = told.gap.words.fill(&details{reason: "gap"})
	case sc.Messages.Gap != nil:
		gap = ""
	}
	told.gap = notice{} // the encoders tell it, between the right messages
	return &endpoint{
		path:    sc.Path,
		framing: sse.Framing,
		ping:    sc.Ping.Or(defaultPing),
		notices: told,
		claims:  rules.UsesClaims() || joins.UsesClaims(),
		headers: rules.UsesHeaders(),
		token:   rules.UsesToken() || cfg.slides(),
		stream: &streamRules{
			rules:    rules,
			joins:    joins,
			errors:   sc.Errors == nil || *sc.Errors,
			channels: l.ChannelsPerConnection,
			gap:      gap,
		},
	}, nil
}

// name tells the paths of sockets and streams apart.
func (ep *endpoint) name() string {
	if ep.stream != nil {
		return "sse " + ep.path
	}
	return ep.path
}

// validateStreams checks the sse paths.
func (c *Config) validateStreams() error {
	seen := map[string]bool{}
	for i := range c.SSE {
		sc := &c.SSE[i]
		switch {
		case seen[sc.Path]:
			return fmt.Errorf("gate: sse %s is defined twice: merge the two blocks", sc.Path)
		case strings.HasPrefix(sc.Path, c.endpointsPrefix()+"/"):
			return fmt.Errorf("gate: sse %s lies under the endpoints prefix %s: move one of them", sc.Path, c.endpointsPrefix())
		case sc.Protocol != "":
			return fmt.Errorf("gate: sse %s: protocol is a socket's: leave it out", sc.Path)
		case sc.Heartbeat != nil:
			return fmt.Errorf("gate: sse %s: heartbeat is a socket's: a stream has keep-alive comments by itself, see ping", sc.Path)
		case sc.Compression:
			return fmt.Errorf("gate: sse %s: compression is a socket's: leave it out", sc.Path)
		}
		for j := range sc.Channels {
			switch rule := &sc.Channels[j]; {
			case rule.Publish != nil:
				return fmt.Errorf("gate: sse %s: channel %s: publish is a socket's: a stream has no way back", sc.Path, rule.Pattern)
			case rule.Resume != 0:
				return fmt.Errorf("gate: sse %s: channel %s: resume is a socket's: a stream resumes by itself wherever there is a history", sc.Path, rule.Pattern)
			}
		}
		if err := sc.Validate("sse"); err != nil {
			return err
		}
		for _, s := range c.TokenSources() {
			if name := strings.ToLower(s.Name); s.Kind == token.Query && (name == channelParam || name == lastIDParam || name == namedParam) {
				return fmt.Errorf("gate: token query %s: that parameter of sse %s has a meaning already: choose another name", s.Name, sc.Path)
			}
		}
		seen[sc.Path] = true
	}
	return nil
}
