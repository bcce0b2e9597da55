// Command caddy is Caddy with its standard modules and wsgate, built from this
// module's own go.mod.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
	_ "github.com/wsgate/wsgate/caddymodule"
)

func main() {
	caddycmd.Main()
}
