//go:build !race

package proctest

// raceBuilt has Caddy built as the test itself is.
const raceBuilt = false
