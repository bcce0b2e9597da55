package expr

import (
	"net/http"
	"reflect"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// headerMap is what expressions see of headers: a map from the name to the first
// value. Names are looked up in any case, as HTTP has them (RFC 9110, section 5.1),
// and listed in lower case.
type headerMap http.Header

var _ traits.Mapper = headerMap(nil)

// Find implements traits.Mapper.
func (h headerMap) Find(key ref.Val) (ref.Val, bool) {
	name, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	v := http.Header(h).Values(string(name))
	if len(v) == 0 {
		return nil, false
	}
	return types.String(v[0]), true
}

// Get implements traits.Indexer.
func (h headerMap) Get(key ref.Val) ref.Val {
	if v, ok := h.Find(key); ok {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains implements traits.Container.
func (h headerMap) Contains(key ref.Val) ref.Val {
	_, ok := h.Find(key)
	return types.Bool(ok)
}

// ConvertToNative implements ref.Val.
func (h headerMap) ConvertToNative(t reflect.Type) (any, error) { return h.all().ConvertToNative(t) }

// ConvertToType implements ref.Val.
func (h headerMap) ConvertToType(t ref.Type) ref.Val { return h.all().ConvertToType(t) }

// Equal implements ref.Val.
func (h headerMap) Equal(other ref.Val) ref.Val { return h.all().Equal(other) }

// Type implements ref.Val.
func (h headerMap) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (h headerMap) Value() any { return h.all().Value() }

// Iterator implements traits.Iterable.
func (h headerMap) Iterator() traits.Iterator { return h.all().Iterator() }

// Size implements traits.Sizer.
func (h headerMap) Size() ref.Val { return h.all().Size() }

func (h headerMap) all() traits.Mapper {
	out := make(map[string]string, len(h))
	for k, v := range h {
		if len(v) > 0 {
			out[strings.ToLower(k)] = v[0]
		}
	}
	return types.NewStringStringMap(types.DefaultTypeAdapter, out)
}
