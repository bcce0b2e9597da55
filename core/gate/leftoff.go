package gate

import (
	"context"
	"encoding/json"
	"time"

	"github.com/wsgate/wsgate/core/hub"
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
// position, for the client to be told. That holds of nodes that had gone before this one
// came, too, of which Redis knows.
func (g *Gate) leftOff(ctx context.Context, login token.Fingerprint, channel string, within time.Duration) (at hist.Position, ok bool) {
	sh := g.shared.Load()
	ctx, cancel := context.WithTimeout(ctx, leftOffWait)
	defer cancel()
	var answers peer.Answers
	err := sh.peers.Hold(ctx)
	if err != nil {
		g.trouble("nodes that were there before could not be looked up; resumed channels are told of a gap", err)
		return hist.Position{}, true // it may have been one of theirs
	}
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

// noteWait is how long noting this node may take.
const noteWait = 2 * time.Second

// noteNode has Redis keep that this node is there, before its first socket needs that.
func (g *Gate) noteNode() {
	sh := g.shared.Load()
	if sh == nil || !g.resumes.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(g.ctx, noteWait)
	defer cancel()
	if err := sh.peers.Note(ctx); err != nil {
		g.logger().Debug("this node is noted later", "error", err)
	}
}

// lateNode is for a node that was there before this one, and that this one learns of only
// now, since Redis had lost its memory: where logins left their channels on that one
// nobody was asked, so each socket that could resume is told of a gap.
func (g *Gate) lateNode() {
	g.gapResumable()
	select { // a socket that had been told so may be about to subscribe
	case <-time.After(leftOffWait + hub.SettleWait + time.Second/5):
		g.gapResumable()
	case <-g.ctx.Done():
	}
}

func (g *Gate) gapResumable() {
	if channels := g.hub.ResumableChannels(); len(channels) > 0 {
		g.logger().Info("redis had forgotten a node that was there before this one; resumed channels are told of a gap", "channels", len(channels))
		g.gap(channels)
		g.hub.Flush()
	}
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
