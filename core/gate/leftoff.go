package gate

import (
	"context"
	"encoding/json"
	"time"

	"github.com/wsgate/wsgate/core/peer"
	hist "github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/token"
)

// askLeftOff is the question where a login left a channel.
const askLeftOff = "left-off"

// leftOffWait is how long the other nodes have to answer that. Its socket waits for it.
const leftOffWait = 300 * time.Millisecond

// leftOffQuestion is askLeftOff's payload.
type leftOffQuestion struct {
	Login   []byte `json:"l"` // the fingerprint
	Channel string `json:"c"`
}

// leftOff asks the other nodes where a login left a channel. Where one of them that
// was there within the time to resume does not answer, it may have: then there is no
// position, for the client to be told.
func (g *Gate) leftOff(ctx context.Context, login token.Fingerprint, channel string, within time.Duration) (at hist.Position, ok bool) {
	sh := g.shared.Load()
	ctx, cancel := context.WithTimeout(ctx, leftOffWait)
	defer cancel()
	var answers peer.Answers
	var err error
	if sh.link.Ready() {
		answers, err = askNodes(ctx, sh.peers, askLeftOff, leftOffQuestion{login[:], channel})
	}
	if err != nil {
		g.trouble("nodes could not be asked where a login left a channel", err)
	}
	if sh.peers.Missing(answers, within) {
		return hist.Position{}, true
	}
	for _, raw := range answers.Payloads {
		var there hist.Position
		if len(raw) == 0 || json.Unmarshal(raw, &there) != nil {
			continue
		}
		if ok {
			there = hist.Older(at, there)
		}
		at, ok = there, true
	}
	return at, ok
}

// answerLeftOff is told each node's question, on the link's goroutine.
func (g *Gate) answerLeftOff(q peer.Question) []byte {
	var asked leftOffQuestion
	if q.Own || json.Unmarshal(q.Payload, &asked) != nil || len(asked.Login) != len(token.Fingerprint{}) {
		return nil
	}
	at, ok := g.hub.LeftOff(token.Fingerprint(asked.Login), asked.Channel)
	if !ok {
		return nil
	}
	return answer(at)
}
