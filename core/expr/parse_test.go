package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// reference is what encoding/json makes of a document.
func reference(b []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xEF\xBB\xBF"))))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	return numbers(v), true
}

func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = numbers(x)
		}
	case []any:
		for i, x := range v {
			v[i] = numbers(x)
		}
	case json.Number:
		return number(string(v))
	}
	return v
}

// sameAsReference holds the parser against encoding/json, and what it leaves out
// against what it does not.
func sameAsReference(t *testing.T, b []byte) {
	t.Helper()
	want, ok := reference(b)
	got, err := DecodeJSON(b)
	if ok != (err == nil) || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q is %#v, %v; encoding/json says %#v, %v", b, got, err, want, ok)
	}
	if _, err := DecodeFields(b, nil); ok != (err == nil) {
		t.Fatalf("%q, nothing wanted: %v; encoding/json says %v", b, err, ok)
	}
	some := &Fields{}
	some.add([]string{"a"})
	some.add([]string{"b", "c"})
	part, err := DecodeFields(b, some)
	if ok != (err == nil) {
		t.Fatalf("%q, some wanted: %v; encoding/json says %v", b, err, ok)
	}
	whole, _ := want.(map[string]any)
	if whole == nil {
		if ok && !reflect.DeepEqual(part, want) {
			t.Fatalf("%q, some wanted: %#v, want %#v", b, part, want)
		}
		return
	}
	parts, _ := part.(map[string]any)
	if !reflect.DeepEqual(parts["a"], whole["a"]) {
		t.Fatalf("%q: a is %#v, want %#v", b, parts["a"], whole["a"])
	}
	inner, isMap := whole["b"].(map[string]any)
	if !isMap {
		if !reflect.DeepEqual(parts["b"], whole["b"]) {
			t.Fatalf("%q: b is %#v, want %#v", b, parts["b"], whole["b"])
		}
		return
	}
	if c := parts["b"].(map[string]any)["c"]; !reflect.DeepEqual(c, inner["c"]) {
		t.Fatalf("%q: b.c is %#v, want %#v", b, c, inner["c"])
	}
}

var documents = []string{
	ruoyi, "", " ", "{", "}", "{}", "[]", "[", "[1", "[1,", "[1,]", "[,1]", "{,}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a" : 1 }`,
	`{"a":1 "b":2}`, `{a:1}`, `{"a":1}}`, `"`, `"a`, `"a"`, `"\u00e9\n\"\\\/"`, `"\x"`, `"\u12"`, `"\ud800"`, `"\ud83d\ude00"`,
	"\"\x00\"", "\"\n\"", "\"\xff\"", "\"a\xc3\xa9\xff\"", `"\`, `"\"`, "\u00a01", "\uFEFF{}", "\uFEFF\uFEFF{}",
	"0", "-0", "01", "-", "-1", "+1", "1.", ".1", "1.0", "1e", "1e+", "1e5", "1E-5", "-1.5e+3", "1e999", "9007199254740993",
	"18446744073709551615", "18446744073709551616", "-9223372036854775809", "1 2", "NaN", "nul", "null", "nullx", "true", "falsey",
	`{"a":1,"a":{"x":[1,"2",null,true,{"y":1.5}]}}`, `{"b":{"c":1,"d":2},"a":[{"c":1}]}`, `{"b":[{"c":1}]}`, `{"b":null}`,
	`{"\u0061":"escaped name","b":{"\u0063":[1]}}`, `{"\x":1}`, `{"` + "\xff" + `":1,"b":{"` + "\xff" + `":2}}`,
}

func TestParserIsEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, d := range documents {
		sameAsReference(t, []byte(d))
	}
	for _, depth := range []int{maxDepth, maxDepth + 1} {
		sameAsReference(t, []byte(strings.Repeat("[", depth)+strings.Repeat("]", depth)))
		sameAsReference(t, []byte(strings.Repeat(`{"x":`, depth)+"1"+strings.Repeat("}", depth)))
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, d := range documents {
		f.Add([]byte(d))
	}
	f.Fuzz(sameAsReference)
}

func TestFieldsOf(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"status == 200":                          ``,
		"body.code == 200":                       `code`,
		"has(body.user) && body.user.id != null": `user user.id`,
		`body["user"].id == 1`:                   `user.id`,
		`body.user["id"] == 1`:                   `user.id`,
		"body.list[0].id == 1":                   `list`,
		"body.list.exists(x, x.id == 1)":         `list`,
		"body[token] == 1":                       `*`,
		"size(body) == 1":                        `*`,
		"body != null && body.code == 1":         `* code`,
		"{'x': body.y.z}.x == body.z":            `y.z z`,
	} {
		var got []string
		for _, p := range compile(t, Introspect, src, Bool).body {
			if len(p) == 0 {
				p = []string{"*"}
			}
			got = append(got, strings.Join(p, "."))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s looks at %q, want %q", src, got, want)
		}
	}
}

// What is left out must not change a value.
func TestFieldsChangeNoValue(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"body.code == 200", "body.code", "has(body.user)", "has(body.user.none)", "has(body.none)", "body.user.userId",
		`body["user"]["userId"]`, "body.roles[0]", "body.roles.size()", "body.roles.exists(r, r == 'admin')", "size(body)",
		"body.user", "body", "type(body) == map", "body.user.none", "body.code.none", "body.roles.none", "[body.code, body.msg]",
		"body.user.size()", "'code' in body", "body.exists(k, k == 'msg')",
	} {
		p := compile(t, Introspect, src, Any)
		for _, doc := range []string{ruoyi, "[]", "1", "null", `{"user":[1]}`, `{"user":"x","roles":{"0":1}}`} {
			all, err := DecodeJSON([]byte(doc))
			if err != nil {
				t.Fatal(err)
			}
			some, err := DecodeFields([]byte(doc), FieldsOf(p, nil))
			if err != nil {
				t.Fatal(err)
			}
			want, wantErr := p.Value(Vars{Body: all})
			got, gotErr := p.Value(Vars{Body: some})
			if !reflect.DeepEqual(got, want) || (gotErr == nil) != (wantErr == nil) {
				t.Errorf("%s of %.40s: %v, %v; of the whole %v, %v", src, doc, got, gotErr, want, wantErr)
			}
		}
	}
}

func BenchmarkDecodeFields(b *testing.B) {
	want := FieldsOf(compile(b, Introspect, "body.code == 200", Bool), compile(b, Introspect, "body.user.userId", String))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeFields([]byte(ruoyi), want); err != nil {
			b.Fatal(err)
		}
	}
}
