package gate

import (
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/wsgate/wsgate/core/peer"
	"github.com/wsgate/wsgate/core/token"
)

// askSockets is the question how many sockets logins have on a node.
const askSockets = "sockets"

const (
	// askBatch is how many logins one question names: it is answered on the node's
	// link, in the way of its messages.
	askBatch = 512
	// askWait is how long the other nodes have to answer.
	askWait = time.Second
)

// online is on how many sockets, and nodes, a login is.
type online struct{ sockets, nodes int }

// socketsOf asks all nodes for the sockets of logins. complete says that all of
// them have answered; else there may be more.
func (g *Gate) socketsOf(ctx context.Context, ids []token.Fingerprint) (per map[token.Fingerprint]online, complete bool) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	per, complete = make(map[token.Fingerprint]online, len(ids)), true
	sh := g.shared.Load()
	for batch := range slices.Chunk(ids, askBatch) {
		var answers peer.Answers
		err := context.Cause(ctx)
		if err == nil && sh.link.Ready() {
			answers, err = sh.peers.Ask(ctx, askSockets, question(batch))
		}
		if err != nil {
			g.trouble("nodes could not be asked for their sockets", err)
		}
		complete = complete && answers.Complete
		if !answers.Own {
			answers.Payloads = append(answers.Payloads, g.answerSockets(peer.Question{Payload: question(batch)}))
		}
		for _, p := range answers.Payloads {
			complete = tally(per, batch, p) && complete
		}
	}
	return per, complete
}

// tally adds one node's answer; false where it is none, of another version's node.
func tally(per map[token.Fingerprint]online, ids []token.Fingerprint, answer []byte) bool {
	for _, id := range ids {
		n, size := binary.Uvarint(answer)
		if size <= 0 {
			return false
		}
		answer = answer[size:]
		if n > 0 {
			o := per[id]
			per[id] = online{o.sockets + int(min(n, 1<<30)), o.nodes + 1} //nolint:gosec // bounded
		}
	}
	return len(answer) == 0
}

// question is fingerprints, one after another.
func question(ids []token.Fingerprint) []byte {
	q := make([]byte, 0, len(ids)*len(token.Fingerprint{}))
	for i := range ids {
		q = append(q, ids[i][:]...)
	}
	return q
}

// answerSockets answers with a number for each login.
func (g *Gate) answerSockets(q peer.Question) []byte {
	const size = len(token.Fingerprint{})
	ids := make([]token.Fingerprint, 0, len(q.Payload)/size)
	for rest := q.Payload; len(rest) >= size && len(ids) < askBatch; rest = rest[size:] {
		ids = append(ids, token.Fingerprint(rest))
	}
	answer := make([]byte, 0, len(ids))
	for _, n := range g.hub.PerLogins(ids) {
		answer = binary.AppendUvarint(answer, uint64(n)) //nolint:gosec // a count
	}
	return answer
}
