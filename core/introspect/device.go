package introspect

import "strings"

// The device classes.
const (
	devicePC     = "pc"
	deviceMobile = "mobile"
	deviceTablet = "tablet"
	deviceApp    = "app"
	deviceOther  = "other"
)

// deviceOf classes a user agent. iPad and Android without "Mobile" are tablets,
// other Android and "Mobile" are mobile; what names a desktop system is a pc;
// what is no browser, such as okhttp, Dart or a name of one's own, is an app.
// No user agent is other, as are robots and command line clients.
func deviceOf(userAgent string) string {
	has := func(s string) bool { return strings.Contains(userAgent, s) }
	switch {
	case userAgent == "", has("bot"), has("curl/"), has("Wget/"), has("python"), has("Go-http-client"):
		return deviceOther
	case has("okhttp"), has("Dart/"), has("CFNetwork"), has("uni-app"), has("Html5Plus"):
		return deviceApp
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

// asDevice reads what an expression yields.
func asDevice(s string) string {
	switch s = strings.ToLower(s); s {
	case devicePC, deviceMobile, deviceTablet, deviceApp:
		return s
	}
	return deviceOther
}
