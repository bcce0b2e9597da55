// Package wsgate is the Caddy plugin as xcaddy wants it: importing it registers
// the handler, and it has nothing else. See the package caddymodule.
package wsgate

import _ "github.com/wsgate/wsgate/caddymodule"
