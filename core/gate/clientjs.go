package gate

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	browser "github.com/wsgate/wsgate/client"
)

// clientTag changes with the browser client.
var clientTag = func() string {
	sum := sha256.Sum256([]byte(browser.Module))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}()

// clientJS hands out the browser client. Browsers keep it, but ask each time whether it
// is still the same, so that a new version of wsgate needs no new address. It is no
// secret, and a page of any origin may import it.
func clientJS(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", clientTag)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(browser.Module))
}
