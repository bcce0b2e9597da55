package gate

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/wsgate/wsgate/core/introspect"
	hist "github.com/wsgate/wsgate/core/pubsub/history"
	"github.com/wsgate/wsgate/core/session"
	"github.com/wsgate/wsgate/core/token"
	"github.com/wsgate/wsgate/core/wire"
)

func document(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// grouped is a number as documents write it: 65,536.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func TestDocumentedMetrics(t *testing.T) {
	t.Parallel()
	text := document(t, "operations.md")
	all := make(chan *prometheus.Desc, 100)
	Collector(nil).Describe(all)
	close(all)
	form := regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{gate,?(\w*)\}`)
	n := 0
	for d := range all {
		n++
		m := form.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("what is the name of %s?", d)
		}
		want := m[1]
		if m[2] != "" {
			want += "{" + m[2] + "}"
		}
		if !strings.Contains(text, "\n| `"+want+"` |") {
			t.Errorf("docs/operations.md has no line for %s", want)
		}
	}
	if got := strings.Count(text, "\n| `caddy_wsgate_"); got != n {
		t.Errorf("docs/operations.md has %d metrics, the gate %d", got, n)
	}
}

func TestDocumentedCloseCodes(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(document(t, "protocol.md"), "\n## Closing\n")
	table, _, _ = strings.Cut(table, "\n## ")
	codes := wire.CloseCodes()
	for _, c := range codes {
		line := regexp.MustCompile(fmt.Sprintf(`(?m)^\| [^|]*\b%d\b[^|]* \| [^|]+ \| (yes|no)`, c.Code)).FindStringSubmatch(table)
		if line == nil {
			t.Errorf("docs/protocol.md has no line for %s", c.Code)
		} else if (line[1] == "yes") != c.Code.Reconnect() {
			t.Errorf("docs/protocol.md says %s to reconnecting after %s", line[1], c.Code)
		}
	}
	if got := len(regexp.MustCompile(`(?m)^\| [^|]*\d{4}`).FindAllString(table, -1)); got == 0 || got > len(codes) {
		t.Errorf("%d lines of codes, of which there are %d", got, len(codes))
	}
}

// What the documents promise of defaults and bounds is what the code has.
func TestDocumentedNumbers(t *testing.T) {
	t.Parallel()
	l := Limits{}.withDefaults()
	room := newWaitingRoom()
	seconds := func(d time.Duration) string { return fmt.Sprint(int(d/time.Second)) + " s" }
	for name, lines := range map[string][]string{
		"operations.md": {
			fmt.Sprintf("| token | %d KiB; %d different ones a request |", token.MaxLen>>10, maxTokens),
			fmt.Sprintf("| returns of one dead token | %d a minute, then 403 |", returnsPerMinute),
			fmt.Sprintf("told why they are closed | %s a node at once", grouped(defaultMaxTold)),
			fmt.Sprintf("| tickets of one token | %d a minute", ticketsPerMinute),
			fmt.Sprintf("(`first_message`) | %s a node, %d an address, %s each |", grouped(room.total), room.perIP, seconds(room.wait)),
			fmt.Sprintf("| introspection | %d calls at once", introspect.DefaultMaxInFlight),
			fmt.Sprintf("; %s; %d MiB |", seconds(introspect.DefaultTimeout), introspect.DefaultMaxBody>>20),
			fmt.Sprintf("for `sliding` | %s between two passes", grouped(maxUsed)),
			fmt.Sprintf("known again by their tokens and cookies | %s a gate", grouped(maxFamiliars)),
			fmt.Sprintf("| questions about idle logins (`sliding`) | %d at a time |", askers),
			fmt.Sprintf("| observed answers and refresh bodies | %d MiB;", maxObserved>>20),
			fmt.Sprintf("| one judgement, with all its calls | %s; %d ms for Redis", seconds(resolveTimeout), impatience.Milliseconds()),
			fmt.Sprintf("| publishes of clients | %d under way in a gate", maxPublishing),
			fmt.Sprintf("put back what Redis forgot | %d of each of", session.MaxRemembered),
			fmt.Sprintf("until their first request claims them | %s, for %d minute |", grouped(owedLogins), int(owedFor/time.Minute)),
			fmt.Sprintf("are counted (`unknown_tokens_per_ip`) | %s addresses", grouped(budgetKeys)),
			fmt.Sprintf("(`login oldest`) | %s, for %s |", grouped(deniedLogins), seconds(deniedFor)),
			fmt.Sprintf("| queue of one socket | %d MiB |", l.Queue>>20),
			fmt.Sprintf("| audit events | the last %s of a node are kept; %d readers of the stream, %d events behind each |", grouped(keepEvents), maxReaders, readerEvents),
			fmt.Sprintf("A node keeps at most %d MiB of messages", hist.DefaultBytes>>20),
		},
		"reference.md": {
			fmt.Sprintf("| `channels_per_connection <n>` | `error:too_many_channels` | `%d` |", l.ChannelsPerConnection),
			fmt.Sprintf("longer is 1009 | `%dKiB` |", l.MessageSize>>10),
			fmt.Sprintf("pause: 1008 | `%d` |", l.CommandsPerSecond),
			fmt.Sprintf("beyond: 4008 | `%dMiB` |", l.Queue>>20),
			fmt.Sprintf("live at the same time, 1 to %d | `1` |", session.MaxLimit),
			fmt.Sprintf("| `%s` |", defaultPing),
			fmt.Sprintf("A token over %d KiB", token.MaxLen>>10),
		},
		"admin.md": {
			fmt.Sprintf("A list has at most %s logins, of the first %s that Redis yields", grouped(maxListed), grouped(maxSearched)),
		},
	} {
		text := document(t, name)
		for _, want := range lines {
			if !strings.Contains(text, want) {
				t.Errorf("docs/%s does not say %q", name, want)
			}
		}
	}
}
