package gate

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/wsgate/wsgate/core/expr"
)

// Sessions is where users of the site see and end their own logins.
type Sessions struct {
	// Path is exact, and as the client sends it; a login is ended under it.
	// Required.
	Path string `json:"path"`
	// Allow is CEL over user, claims, device and request, which must hold.
	// Default: every live login is allowed.
	Allow string `json:"allow,omitempty"`
}

// AdminSessions is where administrators of the site see and end everybody's logins.
type AdminSessions struct {
	// Path is exact, and as the client sends it; a login is ended under it.
	// Required.
	Path string `json:"path"`
	// Allow is CEL over user, claims, device and request, which must hold: who is an
	// administrator. Required.
	Allow string `json:"allow"`
	// Format is `plain`, or `ruoyi` for tables of RuoYi's online users. Default:
	// ruoyi with a preset of RuoYi's kind, else plain.
	Format string `json:"format,omitempty"`
	// Dept is CEL over user, claims, device and request that yields the department of
	// an account, asked when a login is claimed. Default: where the preset ruoyi or
	// ruoyi-plus has it, else none.
	Dept string `json:"dept,omitempty"`
}

// The formats of AdminSessions.
const (
	FormatPlain = "plain"
	FormatRuoYi = "ruoyi"
)

func (c *Config) adminFormat() string {
	switch {
	case c.AdminSessions.Format != "":
		return c.AdminSessions.Format
	case strings.HasPrefix(c.Introspect.Preset, "ruoyi"):
		return FormatRuoYi
	}
	return FormatPlain
}

// ruoyiDepts is where backends of RuoYi's kind tell of an account's department, in what
// their presets take for claims.
var ruoyiDepts = map[string]string{
	"ruoyi":      "claims.user.dept.deptName",
	"ruoyi-plus": "claims.user.deptName",
}

func newDept(c *Config) (*expr.Program, error) {
	if c.AdminSessions == nil {
		return nil, nil //nolint:nilnil // nobody asks
	}
	src := cmp.Or(c.AdminSessions.Dept, ruoyiDepts[c.Introspect.Preset])
	if src == "" {
		return nil, nil //nolint:nilnil // nobody knows
	}
	dept, err := expr.Compile(expr.Request, src, expr.String)
	if err != nil {
		return nil, fmt.Errorf("gate: admin_sessions %s: dept: %w", c.AdminSessions.Path, err)
	}
	return dept, nil
}

// newPages makes the pages about logins.
func newPages(c *Config) ([]*page, error) {
	var pages []*page
	if o := c.Sessions; o != nil {
		p, err := newPage(o.Path, o.Allow)
		if err != nil {
			return nil, fmt.Errorf("gate: sessions %s: allow: %w", o.Path, err)
		}
		p.serve = (*Site).ownLogins
		pages = append(pages, p)
	}
	if o := c.AdminSessions; o != nil {
		p, err := newPage(o.Path, o.Allow)
		if err != nil {
			return nil, fmt.Errorf("gate: admin_sessions %s: allow: %w", o.Path, err)
		}
		p.serve, p.ruoyi = (*Site).allLogins, c.adminFormat() == FormatRuoYi
		pages = append(pages, p)
	}
	return pages, nil
}

func newPage(path, allow string) (*page, error) {
	p := &page{path: path}
	if allow == "" {
		return p, nil
	}
	var err error
	p.allow, err = expr.Compile(expr.Request, allow, expr.Bool)
	return p, err
}

// Validate checks what can be said of it alone, but for the CEL.
func (o *Sessions) Validate() error { return validatePath("sessions", o.Path) }

// Validate checks what can be said of it alone, but for the CEL.
func (o *AdminSessions) Validate() error {
	switch {
	case strings.TrimSpace(o.Allow) == "":
		return fmt.Errorf("gate: admin_sessions %s: allow is missing: say who is an administrator, such as `allow 'admin' in claims.roles`", o.Path)
	case o.Format != "" && o.Format != FormatPlain && o.Format != FormatRuoYi:
		return fmt.Errorf("gate: admin_sessions %s: format %q: want plain or ruoyi", o.Path, o.Format)
	}
	return validatePath("admin_sessions", o.Path)
}

func validatePath(name, path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || strings.ContainsAny(path, "?#") {
		return fmt.Errorf("gate: %s %q: want a path that begins with a slash and does not end with one, such as /my/sessions", name, path)
	}
	return nil
}

func (c *Config) validatePages() error {
	own, admin := c.Sessions, c.AdminSessions
	if own != nil {
		if err := own.Validate(); err != nil {
			return err
		}
		if err := c.validatePlace("sessions", own.Path); err != nil {
			return err
		}
	}
	if admin == nil {
		return nil
	}
	if err := admin.Validate(); err != nil {
		return err
	}
	if own != nil && (under(own.Path, admin.Path) || under(admin.Path, own.Path)) {
		return fmt.Errorf("gate: sessions %s and admin_sessions %s lie in each other's way: move one of them", own.Path, admin.Path)
	}
	return c.validatePlace("admin_sessions", admin.Path)
}

// validatePlace checks a page's path beside the other paths.
func (c *Config) validatePlace(name, path string) error {
	if !c.Login.On() {
		return fmt.Errorf("gate: login off keeps no logins for %s: leave %s out, or write login newest", name, name)
	}
	if p := c.endpointsPrefix(); under(p, path) || under(path, p) {
		return fmt.Errorf("gate: %s %s and the endpoints prefix %s lie in each other's way: move one of them", name, path, p)
	}
	for what, paths := range c.otherPaths() {
		for _, p := range paths {
			if under(p, path) {
				return fmt.Errorf("gate: %s %s lies under %s %s, which answers there: move one of them", what, p, name, path)
			}
		}
	}
	return nil
}

// otherPaths are those that the configuration names beside the pages about logins, by
// what they are for.
func (c *Config) otherPaths() map[string][]string {
	paths := map[string][]string{}
	for i := range c.Sockets {
		paths["socket"] = append(paths["socket"], c.Sockets[i].Path)
	}
	for i := range c.SSE {
		paths["sse"] = append(paths["sse"], c.SSE[i].Path)
	}
	for _, r := range c.Guard.Pass {
		paths["guard pass"] = append(paths["guard pass"], r.Path)
	}
	for _, o := range c.Login.Observe {
		paths["login observe"] = append(paths["login observe"], o.Path)
	}
	for _, o := range c.Login.Refresh {
		paths["login refresh"] = append(paths["login refresh"], o.Path)
	}
	for _, r := range c.Login.Logout {
		paths["login logout"] = append(paths["login logout"], r.Path)
	}
	return paths
}

// under says whether a path is another one, or lies under it.
func under(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return ok && (rest == "" || rest[0] == '/')
}
