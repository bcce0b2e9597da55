package gate

import "strings"

// browserOf names the browser of a user agent, with the first number of its version;
// what is no browser, by its own name. "" where it says nothing.
func browserOf(userAgent string) string {
	for _, b := range []struct{ mark, name string }{
		// Those that also claim to be another come before that one.
		{"MicroMessenger/", "WeChat"},
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"FxiOS/", "Firefox"},
		{"Firefox/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
	} {
		if _, version, ok := strings.Cut(userAgent, b.mark); ok {
			return withMajor(b.name, version)
		}
	}
	if _, version, ok := strings.Cut(userAgent, "Version/"); ok && strings.Contains(userAgent, "Safari/") {
		return withMajor("Safari", version)
	}
	if name, version, ok := strings.Cut(userAgent, "/"); ok && name != "Mozilla" && !strings.ContainsAny(name, " ;()") {
		return withMajor(name, version)
	}
	return ""
}

// osOf names the operating system of a user agent; "" where it says nothing.
func osOf(userAgent string) string {
	for _, o := range []struct{ mark, name string }{
		{"Windows NT 10", "Windows 10"}, // 11 says the same
		{"Windows", "Windows"},
		{"iPhone", "iOS"},
		{"iPad", "iPadOS"},
		{"Macintosh", "macOS"},
		{"CrOS", "ChromeOS"},
		{"OpenHarmony", "HarmonyOS"},
	} {
		if strings.Contains(userAgent, o.mark) {
			return o.name
		}
	}
	if _, version, ok := strings.Cut(userAgent, "Android "); ok {
		return withMajor("Android", version)
	}
	if strings.Contains(userAgent, "Android") {
		return "Android"
	}
	if strings.Contains(userAgent, "Linux") {
		return "Linux"
	}
	return ""
}

// withMajor puts the number at the head of a version behind a name.
func withMajor(name, version string) string {
	n := 0
	for n < len(version) && n < 4 && '0' <= version[n] && version[n] <= '9' {
		n++
	}
	if n == 0 {
		return name
	}
	return name + " " + version[:n]
}
