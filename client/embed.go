// Package client holds the browser client, for a server to hand out.
package client

import _ "embed"

// Module is wsgate.js, an ES module. It must not be changed.
//
//go:embed wsgate.js
var Module string
