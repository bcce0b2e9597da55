package caddymodule

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/dustin/go-humanize"

	"github.com/wsgate/wsgate/core/conf"
)

// errForm tells parseBlock that the arguments don't have the subdirective's
// form, which it then quotes.
var errForm = errors.New("wrong form")

// args returns the arguments of the line, of which there must be least to most.
func args(d *caddyfile.Dispenser, least, most int) ([]string, error) {
	a := d.RemainingArgs()
	if len(a) < least || len(a) > most {
		return nil, errForm
	}
	return a, nil
}

// word parses exactly one argument that is not empty.
func word(d *caddyfile.Dispenser, into *string) error {
	name := d.Val()
	a, err := args(d, 1, 1)
	if err != nil {
		return err
	}
	if a[0] == "" {
		return d.Errf("%s is empty", name)
	}
	*into = a[0]
	return nil
}

// text parses exactly one argument, which may be empty.
func text(d *caddyfile.Dispenser, into **string) error {
	a, err := args(d, 1, 1)
	if err != nil {
		return err
	}
	*into = &a[0]
	return nil
}

// duration parses a duration above zero.
func duration(d *caddyfile.Dispenser, into *conf.Duration) error {
	var p *conf.Duration
	name := d.Val()
	if err := durationPtr(d, &p); err != nil {
		return err
	}
	if *p == 0 {
		return d.Errf("%s must be more than zero", name)
	}
	*into = *p
	return nil
}

// durationPtr parses a duration that may be zero.
func durationPtr(d *caddyfile.Dispenser, into **conf.Duration) error {
	name := d.Val()
	a, err := args(d, 1, 1)
	if err != nil {
		return err
	}
	v, err := caddy.ParseDuration(a[0])
	if err != nil {
		return d.Errf("%s: %q is no duration: write for example 30s, 5m or 30d", name, a[0])
	}
	if v < 0 {
		return d.Errf("%s: a duration can't be negative: %v", name, v)
	}
	c := conf.Duration(v)
	*into = &c
	return nil
}

// count parses a whole number above zero.
func count(d *caddyfile.Dispenser, into *int) error {
	name := d.Val()
	a, err := args(d, 1, 1)
	if err != nil {
		return err
	}
	*into, err = number(d, name, a[0])
	return err
}

func number(d *caddyfile.Dispenser, name, s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 || n > math.MaxInt32 {
		return 0, d.Errf("%s: %q is no whole number above zero", name, s)
	}
	return n, nil
}

// size parses a number of bytes such as 64KiB.
func size(d *caddyfile.Dispenser, into *int64) error {
	name := d.Val()
	a, err := args(d, 1, 1)
	if err != nil {
		return err
	}
	n, err := humanize.ParseBytes(a[0])
	if err != nil || n == 0 || n > math.MaxInt32 {
		return d.Errf("%s: %q is no size: write for example 64KiB or 1MiB, up to 2GiB", name, a[0])
	}
	*into = int64(n)
	return nil
}

// choice parses one argument out of a few.
func choice(d *caddyfile.Dispenser, into *string, allowed ...string) error {
	name := d.Val()
	a, err := args(d, 1, 1)
	if err != nil {
		return err
	}
	if err := oneOf(d, name, a[0], allowed...); err != nil {
		return err
	}
	*into = a[0]
	return nil
}

func oneOf(d *caddyfile.Dispenser, name, got string, allowed ...string) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	last := len(allowed) - 1
	want := allowed[last]
	if last > 0 {
		want = strings.Join(allowed[:last], ", ") + " or " + want
	}
	return d.Errf("%s: %q is unknown%s: want %s", name, got, near(got, allowed), want)
}

// onOff parses `on` or `off`.
func onOff(d *caddyfile.Dispenser, into **bool) error {
	var v string
	if err := choice(d, &v, "on", "off"); err != nil {
		return err
	}
	on := v == "on"
	*into = &on
	return nil
}
