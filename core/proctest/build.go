package proctest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// caddyBinary builds cmd/caddy once per test process. The file stays where it is for
// later runs, in the user's cache folder, for linking takes far longer than finding
// out that nothing has changed.
var caddyBinary = sync.OnceValues(func() (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("proctest: go env GOMOD: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(mod)))
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	sum := sha256.Sum256([]byte(root))
	dir := filepath.Join(cache, "wsgate-proctest", hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("proctest: %w", err)
	}
	name, args := filepath.Join(dir, "caddy"), []string{"build"}
	if raceBuilt {
		name += "-race"
		args = append(args, "-race")
	}
	// Test binaries of several packages run at once; one builds, the others wait.
	lock, err := os.OpenFile(name+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // our own folder
	if err != nil {
		return "", fmt.Errorf("proctest: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("proctest: lock %s: %w", lock.Name(), err)
	}
	cmd := exec.Command("go", append(args, "-o", name, "./cmd/caddy")...) //nolint:gosec // fixed arguments
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("proctest: build cmd/caddy: %w\n%s", err, out)
	}
	return name, nil
})
