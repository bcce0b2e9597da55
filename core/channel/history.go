package channel

import (
	"fmt"
	"time"

	"github.com/wsgate/wsgate/core/conf"
	"github.com/wsgate/wsgate/core/pubsub/history"
)

const (
	maxHistory    = 100_000
	minHistoryFor = time.Second
	maxHistoryFor = 24 * time.Hour
)

// What is kept where only resume, or only last, stands in a rule.
const (
	resumeMessages = 1000
	lastFor        = time.Hour
)

// History is how much of a channel is kept.
type History struct {
	// Messages is how many of the newest messages, 1 to 100000. Required.
	Messages int `json:"messages"`
	// For is how long, 1s to 24h. Required.
	For conf.Duration `json:"for"`
}

// setHistory checks the three options and works out what has to be kept.
func (c *rule) setHistory(cfg *Config) error {
	if h := cfg.History; h != nil {
		if h.Messages < 1 || h.Messages > maxHistory {
			return fmt.Errorf("channel: history of %d messages: want 1 to %d", h.Messages, maxHistory)
		}
		if err := within("history", time.Duration(h.For)); err != nil {
			return err
		}
		c.keep = history.Keep{Messages: h.Messages, For: time.Duration(h.For)}
	}
	if cfg.Resume != 0 {
		if err := within("resume", time.Duration(cfg.Resume)); err != nil {
			return err
		}
		c.resume = time.Duration(cfg.Resume)
		if cfg.History == nil {
			c.keep = history.Keep{Messages: resumeMessages, For: c.resume}
		}
	}
	if c.last = cfg.Last; c.last && !c.keep.On() {
		c.keep = history.Keep{Messages: 1, For: lastFor}
	}
	return nil
}

func within(what string, d time.Duration) error {
	if d < minHistoryFor || d > maxHistoryFor {
		return fmt.Errorf("channel: %s for %v: want 1s to 24h", what, d)
	}
	return nil
}

// History is how much of the Redis channel has to be kept.
func (m Match) History() history.Keep { return m.of().keep }

// Resume is for how long the gate remembers where a plain socket broke off; 0: not.
func (m Match) Resume() time.Duration { return m.of().resume }

// Last says that the newest message is sent at subscribe.
func (m Match) Last() bool { return m.of().last }

// of is the rule that matched; a Match that no rule made has an empty one.
func (m Match) of() *rule {
	if m.rule == nil {
		return &rule{}
	}
	return m.rule
}
