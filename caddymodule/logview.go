package caddymodule

import (
	"reflect"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/logging"
)

// logView is what one of the configuration's logs takes in and what it hides.
type logView struct {
	name             string
	include, exclude []string
	// hidden are the fields that its filters change, such as request>uri, with
	// the query parameters where the filter is one of those.
	hidden map[string][]string
}

// logViews lists the logs of the configuration that ctx belongs to. Caddy shows
// a module only its own logger, so this reads, by reflection and without
// changing anything, what Caddy keeps to itself. ok is false where another
// Caddy keeps it elsewhere.
func logViews(ctx caddy.Context) (views []logView, ok bool) {
	defer func() {
		// reflect panics on what it does not expect; a missing warning is no
		// reason not to start.
		if recover() != nil {
			views, ok = nil, false
		}
	}()
	logs := reflect.ValueOf(ctx).FieldByName("cfg").Elem().FieldByName("Logging").Elem().FieldByName("Logs")
	for it := logs.MapRange(); it.Next(); {
		l := it.Value().Elem()
		v := logView{
			name:    it.Key().String(),
			include: stringsOf(l.FieldByName("Include")),
			exclude: stringsOf(l.FieldByName("Exclude")),
			hidden:  make(map[string][]string),
		}
		for enc := l.FieldByName("encoder"); enc.IsValid() && !enc.IsNil(); {
			enc = reflect.Indirect(enc.Elem())
			if enc.Type() == reflect.TypeFor[logging.FilterEncoder]() {
				for f := enc.FieldByName("Fields").MapRange(); f.Next(); {
					v.hide(f.Key().String(), reflect.Indirect(f.Value().Elem()))
				}
			}
			enc = enc.FieldByName("wrapped") // filter and append wrap another
		}
		views = append(views, v)
	}
	return views, len(views) > 0
}

func stringsOf(v reflect.Value) []string {
	all := make([]string, v.Len())
	for i := range all {
		all[i] = v.Index(i).String()
	}
	return all
}

// hide notes one filter. What a regular expression leaves of a field is not
// judged: whoever writes one has thought of it.
func (v *logView) hide(field string, filter reflect.Value) {
	switch filter.Type() {
	case reflect.TypeFor[logging.RenameFilter](), reflect.TypeFor[logging.IPMaskFilter]():
	case reflect.TypeFor[logging.QueryFilter]():
		actions := filter.FieldByName("Actions")
		for i := range actions.Len() {
			v.hidden[field] = append(v.hidden[field], actions.Index(i).FieldByName("Parameter").String())
		}
	default:
		v.hidden[field] = []string{""} // the whole field
	}
}

// hides says whether the field, or that query parameter of it, is filtered.
func (v *logView) hides(field, parameter string) bool {
	for ; field != ""; field = field[:max(0, strings.LastIndexByte(field, '>'))] {
		for _, p := range v.hidden[field] {
			if p == "" || p == parameter {
				return true
			}
		}
	}
	return false
}

// takes says whether entries of that logger go into the log: the longer of
// what includes and excludes it wins.
func (v *logView) takes(logger string) bool {
	in, out := longest(v.include, logger), longest(v.exclude, logger)
	if len(v.include) == 0 {
		return out == 0
	}
	return in > out
}

func longest(namespaces []string, logger string) int {
	n := 0
	for _, ns := range namespaces {
		if ns == "*" || strings.HasPrefix(logger+".", ns+".") {
			n = max(n, len(ns))
		}
	}
	return n
}
