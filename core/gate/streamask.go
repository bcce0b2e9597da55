package gate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/wsgate/wsgate/core/channel"
	"github.com/wsgate/wsgate/core/wire"
	"github.com/wsgate/wsgate/core/wire/sse"
)

// The query parameters of a stream.
const (
	channelParam = "channel"       // a command; repeatable
	namedParam   = "named"         // 1: the events have the commands' names
	lastIDParam  = "last_event_id" // what the header says, for a first request
)

// streamAsk is what a client asks a stream for.
type streamAsk struct {
	commands []string
	named    bool
	from     sse.Places
	lost     bool // where it was can't be told from what it says
}

// readAsk reads the request. Its error says what is wrong with it.
func readAsk(r *http.Request, most int) (streamAsk, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return streamAsk{}, errors.New("the query is malformed")
	}
	var a streamAsk
	for _, c := range q[channelParam] {
		if slices.Contains(a.commands, c) {
			continue
		}
		if len(a.commands) == most { // at once: nobody is identified yet, and looking takes longer with each
			return streamAsk{}, fmt.Errorf("too many channels, at most %d are possible", most)
		}
		a.commands = append(a.commands, c)
	}
	if named := q[namedParam]; len(named) > 0 {
		if a.named = slices.Equal(named, []string{"1"}); !a.named {
			return streamAsk{}, errors.New("named is 1, or left out")
		}
	}
	// EventSource sends the header when it comes back, and a URL that it was made with
	// is older than that.
	id := r.Header.Get("Last-Event-Id")
	if id == "" {
		id = q.Get(lastIDParam)
	}
	a.from, err = sse.ParseID(id)
	a.lost = err != nil
	return a, nil
}

// refusal codes of commands, as sockets have them.
const (
	codeUnknown     = "unknown_command"
	codeForbidden   = "forbidden"
	codeUnavailable = "unavailable"
)

// refused is a command that is not carried out.
type refused struct{ code, command string }

// event tells the client of it.
func (f refused) event() []byte {
	return sse.Event("refused", f.code+" "+strings.ToValidUTF8(f.command, "\uFFFD"))
}

// askAtOnce is how many commands of a stream ask the backend at the same time.
const askAtOnce = 8

// grant decides over all commands of a stream, in their order.
func (st *streamRules) grant(ctx context.Context, a *streamAsk, u *channel.User) (granted []channel.Match, no []refused) {
	matches, codes := make([]channel.Match, len(a.commands)), make([]string, len(a.commands))
	var asking errgroup.Group
	asking.SetLimit(askAtOnce)
	for i, command := range a.commands {
		m, err := st.rules.Match(command, *u)
		if err == nil && a.named && !sse.CanName(command) {
			err = channel.ErrUnknown
		}
		if err != nil {
			codes[i] = codeOf(err)
			continue
		}
		matches[i] = m
		if m.Guarded() {
			asking.Go(func() error {
				codes[i] = codeOf(st.rules.Authorize(ctx, m, *u))
				return nil
			})
		}
	}
	_ = asking.Wait() // each has its own error
	for i, code := range codes {
		if code != "" {
			no = append(no, refused{code, a.commands[i]})
			continue
		}
		granted = append(granted, matches[i])
	}
	return granted, no
}

func codeOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, channel.ErrUnknown):
		return codeUnknown
	case errors.Is(err, channel.ErrForbidden):
		return codeForbidden
	}
	return codeUnavailable
}

// verdict is the answer to a request of which nothing can be done.
func verdictOf(no []refused) outcome {
	has := func(code string) bool { return slices.ContainsFunc(no, func(f refused) bool { return f.code == code }) }
	switch {
	case has(codeUnavailable):
		return outcome{
			refused: &refusal{http.StatusServiceUnavailable, codeUnavailable, "no channel can be authorized now"},
			bye:     farewell{code: wire.CloseTryLater, reason: "no channel can be authorized now"},
		}
	case has(codeForbidden):
		return outcome{refused: &refusal{http.StatusForbidden, codeForbidden, "none of these channels is allowed"}}
	}
	return outcome{refused: &refusal{http.StatusBadRequest, codeUnknown, "there are no such channels"}}
}
