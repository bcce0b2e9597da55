package introspect

import (
	"net/http"
	"strings"
)

// The device classes.
const (
	devicePC     = "pc"
	deviceMobile = "mobile"
	deviceTablet = "tablet"
	deviceApp    = "app"
	deviceOther  = "other"
)

// deviceOf classes the client of a request. What is no browser, such as okhttp, Dart
// or a name of one's own, is an app. Of a browser its client hints count first
// (https://wicg.github.io/ua-client-hints, sent over TLS by Chromium's kind), then the
// user agent: iPad and Android without "Mobile" are tablets, other Android and
// "Mobile" are mobile; what names a desktop system is a pc. No user agent is other, as
// are robots and command line clients.
func deviceOf(h http.Header) string {
	userAgent := first(h, "User-Agent")
	has := func(s string) bool { return strings.Contains(userAgent, s) }
	switch {
	case userAgent == "", has("bot"), has("curl/"), has("Wget/"), has("python"), has("Go-http-client"):
		return deviceOther
	case has("okhttp"), has("Dart/"), has("CFNetwork"), has("uni-app"), has("Html5Plus"):
		return deviceApp
	}
	if class := hinted(first(h, "Sec-Ch-Ua-Mobile"), first(h, "Sec-Ch-Ua-Platform")); class != "" {
		return class
	}
	switch {
	case has("iPad"), has("Tablet"), has("Android") && !has("Mobile"):
		return deviceTablet
	case has("iPhone"), has("Android"), has("Mobile"):
		return deviceMobile
	case has("Windows"), has("Macintosh"), has("X11"), has("Linux"), has("CrOS"):
		return devicePC
	case !strings.HasPrefix(userAgent, "Mozilla/"):
		return deviceApp
	}
	return deviceOther
}

// hinted classes the values of Sec-CH-UA-Mobile, ?1 or ?0, and Sec-CH-UA-Platform, a
// quoted name; "" where they don't say.
func hinted(mobile, platform string) string {
	switch platform = strings.Trim(platform, `"`); {
	case mobile == "?1":
		return deviceMobile
	case mobile == "":
		return ""
	case platform == "Android", platform == "iOS":
		return deviceTablet
	case platform == "Windows", platform == "macOS", platform == "Linux", platform == "Chrome OS", platform == "Chromium OS":
		return devicePC
	}
	return ""
}

func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// asDevice reads what an expression yields.
func asDevice(s string) string {
	switch s = strings.ToLower(s); s {
	case devicePC, deviceMobile, deviceTablet, deviceApp:
		return s
	}
	return deviceOther
}
