package channel_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wsgate/wsgate/core/channel"
)

func TestAuthorizePublish(t *testing.T) {
	t.Parallel()
	when := func(cel string) *channel.Authorize { return &channel.Authorize{When: cel} }
	for name, c := range map[string]struct {
		rule channel.Config
		want error
	}{
		"no publish":                  {channel.Config{}, channel.ErrForbidden},
		"nobody is asked":             {channel.Config{Publish: &channel.Publish{}}, nil},
		"the rule's own lets in":      {channel.Config{Authorize: when("user == '1'"), Publish: &channel.Publish{}}, nil},
		"the rule's own keeps out":    {channel.Config{Authorize: when("user == '2'"), Publish: &channel.Publish{}}, channel.ErrForbidden},
		"its own wins, and lets in":   {channel.Config{Authorize: when("false"), Publish: &channel.Publish{Authorize: when("params.id == '7'")}}, nil},
		"its own wins, and keeps out": {channel.Config{Publish: &channel.Publish{Authorize: when("claims.tenant == 'x'")}}, channel.ErrForbidden},
	} {
		c.rule.Pattern = "d:{id}"
		r := compile(t, &channel.Account{Pattern: "msg:{account}"}, c.rule)
		if r.Publishes() != (c.rule.Publish != nil) {
			t.Errorf("%s: publishes %v", name, r.Publishes())
		}
		m, err := r.Match("d:7", ann)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.AuthorizePublish(t.Context(), m, ann); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		watch, err := r.Match("msg:1", ann)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.AuthorizePublish(t.Context(), watch, ann); !errors.Is(err, channel.ErrForbidden) {
			t.Errorf("%s: a watch may be published to: %v", name, err)
		}
	}
	r := compile(t, nil, channel.Config{Pattern: "d:{id}", Publish: &channel.Publish{Authorize: when("claims.tenant == 'x'")}})
	if !r.UsesClaims() {
		t.Error("the claims that publish looks at would not be kept")
	}
}

// Subscribing and publishing are two questions, whose answers are kept apart.
func TestPublishProbeIsAnotherQuestion(t *testing.T) {
	t.Parallel()
	b := &backend{answer: func(uri string) (channel.Response, error) {
		return channel.Response{Status: map[string]int{"/read/7": 200, "/write/7": 403}[uri]}, nil
	}}
	probe := func(uri string) *channel.Authorize {
		return &channel.Authorize{Probe: &channel.Probe{Method: "GET", URI: uri}}
	}
	r, err := channel.Compile(nil, []channel.Config{
		{Pattern: "d:{id}", Authorize: probe("/read/{id}"), Publish: &channel.Publish{Authorize: probe("/write/{id}")}},
		{Pattern: "e:{id}", Authorize: probe("/read/{id}"), Publish: &channel.Publish{}},
	}, "wsgate:", channel.Options{Probe: b.probe})
	if err != nil {
		t.Fatal(err)
	}
	u := user(t, 1)
	for range 2 {
		m, _ := r.Match("d:7", u)
		if err := r.Authorize(t.Context(), m, u); err != nil {
			t.Errorf("subscribing: %v", err)
		}
		if err := r.AuthorizePublish(t.Context(), m, u); !errors.Is(err, channel.ErrForbidden) {
			t.Errorf("publishing: %v", err)
		}
		m, _ = r.Match("e:7", u)
		if err := errors.Join(r.Authorize(t.Context(), m, u), r.AuthorizePublish(t.Context(), m, u)); err != nil {
			t.Errorf("one question for both: %v", err)
		}
	}
	if n := b.calls.Load(); n != 3 {
		t.Errorf("the backend was asked %d times, want once for each question", n)
	}
}

func TestPublishIsUnambiguous(t *testing.T) {
	t.Parallel()
	may := &channel.Publish{}
	for name, c := range map[string]struct {
		acc   *channel.Account
		rules []channel.Config
		want  string
	}{
		"a space in the pattern": {nil, []channel.Config{{Pattern: "room {id}", Publish: may}}, `"room {id}" has a space`},
		"a rule called publish":  {nil, []channel.Config{{Pattern: "publish {id}"}, {Pattern: "d:{id}", Publish: may}}, `"publish {id}": a command that begins with`},
		"an account":             {&channel.Account{Pattern: "publish {account}"}, []channel.Config{{Pattern: "d:{id}", Publish: may}}, `"publish {account}": a command that begins with`},
		"without publish":        {&channel.Account{Pattern: "publish {account}"}, []channel.Config{{Pattern: "publish to {id}"}, {Pattern: "room {id}"}}, ""},
	} {
		_, err := channel.Compile(c.acc, c.rules, "wsgate:", channel.Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
