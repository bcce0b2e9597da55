package session

import (
	"context"
	"strings"
)

// Handle names a login without its account's name, for a URL: Find leads back.
func (r *Registry) Handle(account, sid string) string {
	hash, err := r.keys.hash(account)
	if err != nil {
		return ""
	}
	return hash + "." + sid
}

// Find returns the live login that a Handle names; false where it is not live, or
// the handle is none.
func (r *Registry) Find(ctx context.Context, handle string) (Info, bool, error) {
	hash, sid, ok := strings.Cut(handle, ".")
	if !ok || len(hash) != hashLen || sid == "" || strings.ContainsAny(hash, "{}:") {
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
