package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/caddyserver/xcaddy"
)

// load reads a builder. A replacement by a relative path is relative to the
// file, and made absolute, for xcaddy builds in a folder of its own. An unknown
// field is an error: a misspelt one would silently build something else.
func load(file string) (xcaddy.Builder, error) {
	var b xcaddy.Builder
	f, err := os.Open(file)
	if err != nil {
		return b, fmt.Errorf("xbuild: %w", err)
	}
	defer f.Close()

	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&b); err != nil {
		return b, fmt.Errorf("xbuild: %s: %w", file, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return b, fmt.Errorf("xbuild: %s: something follows the JSON object", file)
	}
	if b.CaddyVersion == "" {
		return b, fmt.Errorf("xbuild: %s: caddy_version is missing, and the newest Caddy is no stable choice", file)
	}
	for i, r := range b.Replacements {
		if !isPath(string(r.New)) {
			continue
		}
		abs, err := filepath.Abs(filepath.Join(filepath.Dir(file), string(r.New)))
		if err != nil {
			return b, fmt.Errorf("xbuild: %w", err)
		}
		b.Replacements[i].New = xcaddy.ReplacementPath(abs)
	}
	return b, nil
}

// isPath says whether the right side of a replacement is a relative path. The
// go command takes it for one only where it begins with a dot, and so do we.
func isPath(s string) bool {
	return s == "." || s == ".." || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../")
}
