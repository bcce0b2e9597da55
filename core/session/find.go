package session

import (
	"context"
	"strings"
)

// newSID makes a handle for a new login. The account's hash at its head lets Find
// lead from it to the login.
func newSID(accountHash string) string { return accountHash + "." + random() }

// Find returns the live login with this sid; false where none has it.
func (r *Registry) Find(ctx context.Context, sid string) (Info, bool, error) {
	hash, rest, ok := strings.Cut(sid, ".")
	if !ok || len(hash) != hashLen || rest == "" || strings.ContainsAny(hash, "{}:") {
		return Info{}, false, nil
	}
	infos, err := r.infos(ctx, []string{hash})
	if err != nil {
		return Info{}, false, err
	}
	for i := range infos {
		if infos[i].SID == sid {
			return infos[i], true, nil
		}
	}
	return Info{}, false, nil
}
