package channel_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/wsgate/wsgate/core/channel"
)

// model says by a regular expression what a pattern matches, and the values of its
// parts.
func model(pattern string) func(command string) ([]string, bool) {
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for rest := pattern; rest != ""; {
		i := strings.IndexByte(rest, '{')
		if i < 0 {
			re.WriteString(regexp.QuoteMeta(rest))
			break
		}
		re.WriteString(regexp.QuoteMeta(rest[:i]))
		j := strings.IndexByte(rest, '}')
		if rest[i+1:j] == "account" {
			re.WriteString(`(.*)`)
		} else {
			re.WriteString(`([\pL\p{Nd}_.@-]{1,128})`)
		}
		rest = rest[j+1:]
	}
	compiled := regexp.MustCompile(re.String() + `\z`)
	return func(command string) ([]string, bool) {
		found := compiled.FindStringSubmatch(command)
		if found == nil {
			return nil, false
		}
		for _, v := range found[1:] {
			if v == "." || v == ".." {
				return nil, false
			}
		}
		return found[1:], true
	}
}

func TestMatchesWhatTheModelMatches(t *testing.T) {
	t.Parallel()
	literal := rapid.StringOfN(rapid.SampledFrom([]rune("ab1-.:/ö*")), 0, 3, -1)
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab1-.:/ö*٣é \n")), 0, 12, -1)
	value := rapid.OneOf(rapid.StringOfN(rapid.SampledFrom([]rune("ab1-._@öa٣")), 0, 130, -1), rapid.SampledFrom([]string{".", "..", "a", "a:b"}))
	rapid.Check(t, func(t *rapid.T) {
		var pattern, template, command strings.Builder
		template.WriteString("=") // away from the channels that are never relayed
		names := []string{"p", "q", "r"}[:rapid.IntRange(0, 3).Draw(t, "parts")]
		for i, name := range names {
			l := literal.Draw(t, "literal")
			pattern.WriteString(l + "{" + name + "}")
			command.WriteString(l + value.Draw(t, "value"))
			if i > 0 {
				template.WriteString("|")
			}
			template.WriteString("{" + name + "}")
		}
		l := literal.Draw(t, "tail")
		pattern.WriteString(l)
		command.WriteString(l)
		r, err := channel.Compile(nil, []channel.Config{{Pattern: pattern.String(), Redis: template.String()}}, "wsgate:", channel.Options{})
		if err != nil {
			t.Skip() // ambiguous or empty: TestCompileErrors has those
		}
		for _, c := range []string{command.String(), text.Draw(t, "text"), command.String() + "a", command.String() + ":"} {
			values, ok := model(pattern.String())(c)
			m, err := r.Match(c, ann)
			if ok != (err == nil) || !ok && !errors.Is(err, channel.ErrUnknown) {
				t.Fatalf("pattern %q, command %q: the model says %v, Match says %v", pattern.String(), c, ok, err)
			}
			if want := "=" + strings.Join(values, "|"); ok && m.Redis != want {
				t.Fatalf("pattern %q, command %q: parts %q, the model has %q", pattern.String(), c, m.Redis, want)
			}
		}
	})
}

func TestAccountMatchesWhatTheModelMatches(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := string(rapid.SliceOfN(rapid.Byte(), 0, 1030).Draw(t, "name"))
		r, err := channel.Compile(&channel.Account{Pattern: "msg:{account}", Redis: "{account}"}, nil, "wsgate:", channel.Options{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Match("msg:"+name, channel.User{Subject: name})
		switch {
		case len(name) > 1024:
			if !errors.Is(err, channel.ErrUnknown) {
				t.Fatalf("a name of %d bytes: %v", len(name), err)
			}
		case name == "" || strings.HasPrefix(name, "__"):
			if !errors.Is(err, channel.ErrForbidden) {
				t.Fatalf("%q: %v", name, err)
			}
		case err != nil:
			t.Fatalf("%q: %v", name, err)
		case !utf8.ValidString(m.Redis):
			t.Fatalf("%q leads to the channel %q", name, m.Redis)
		}
		if _, err := r.Match("msg:"+name, channel.User{Subject: name + "x"}); err == nil {
			t.Fatalf("%q is another account", name)
		}
	})
}
