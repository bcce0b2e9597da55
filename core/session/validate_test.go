package session

import (
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/conf"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	post := func(path string) Route { return Route{Method: "POST", Path: path} }
	for name, tc := range map[string]struct {
		cfg  Config
		want string // part of the error; "": none
	}{
		"empty":    {Config{}, ""},
		"off":      {Config{Policy: "off"}, ""},
		"complete": {Config{Policy: "newest", Fail: "closed", Remember: conf.Duration(24 * time.Hour), Observe: []Observe{{post("/login"), "body.token"}}, Refresh: []Refresh{{post("/refresh"), "body.token", ""}}, Logout: []Route{post("/logout"), {Method: "*", Path: "/signout"}}}, ""},

		"oldest":          {Config{Policy: "oldest", Limit: 3, Per: "device", Exempt: "user == 'x'"}, ""},
		"limit":           {Config{Limit: -1}, "want 1 to 1000"},
		"large limit":     {Config{Limit: 1001}, "want 1 to 1000"},
		"per":             {Config{Per: "browser"}, "want account or device"},
		"grace":           {Config{Grace: conf.Duration(-time.Second)}, "want a time such as 30s"},
		"grace of oldest": {Config{Policy: "oldest", Grace: conf.Duration(time.Second)}, "takes no grace"},
		"off and a limit": {Config{Policy: "off", Limit: 2}, "takes no other option"},
		"policy":          {Config{Policy: "first"}, "want newest, oldest or off"},
		"fail":            {Config{Fail: "maybe"}, "want open or closed"},
		"remember":        {Config{Remember: conf.Duration(time.Second)}, "too short"},
		"negative":        {Config{Remember: conf.Duration(-time.Hour)}, "too short"},
		"off and more":    {Config{Policy: "off", Fail: "open"}, "takes no other option"},
		"method":          {Config{Logout: []Route{{Method: "post", Path: "/x"}}}, "upper case"},
		"no method":       {Config{Logout: []Route{{Path: "/x"}}}, "is no method"},
		"path":            {Config{Logout: []Route{post("x")}}, "is no path"},
		"query":           {Config{Logout: []Route{post("/x?y")}}, "without a query"},
		"observe token":   {Config{Observe: []Observe{{Route: post("/x")}}}, "want CEL"},
		"observe method":  {Config{Observe: []Observe{{Token: "x"}}}, "is no method"},
		"refresh new":     {Config{Refresh: []Refresh{{Route: post("/x")}}}, "want CEL"},
		"refresh method":  {Config{Refresh: []Refresh{{New: "x"}}}, "is no method"},
		"star":            {Config{Logout: []Route{post("/x/*")}}, "takes no *"},
		"twice":           {Config{Logout: []Route{post("/x"), post("/x")}}, "stands twice"},
		"login is logout": {Config{Observe: []Observe{{post("/x"), "x"}}, Logout: []Route{post("/x")}}, "given as both observe and logout"},
	} {
		err := tc.cfg.Validate()
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "session: ")):
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
	if on := (&Config{Policy: "off"}).On(); on {
		t.Error("off is on")
	}
	if on := (&Config{}).On(); !on {
		t.Error("the default is off")
	}
}
