//go:build !linux

package proctest

// listeners can't be counted here.
func listeners(string) (int, error) { return 1, nil }
