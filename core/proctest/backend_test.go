package proctest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

func get(t *testing.T, method, url, token string) (int, string, error) {
	t.Helper()
	return getWithin(t, 30*time.Second, method, url, token)
}

func getWithin(t *testing.T, timeout time.Duration, method, url, token string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(`{"username":"ann"}`))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	c := &http.Client{Transport: tr, Timeout: timeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	res, err := c.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func TestBackendKnowsItsTokens(t *testing.T) {
	t.Parallel()
	b := proctest.Backend(t)
	_, body, err := get(t, http.MethodPost, b.URL()+"/login", "")
	if err != nil {
		t.Fatal(err)
	}
	var in struct{ Token string }
	if err := json.Unmarshal([]byte(body), &in); err != nil || in.Token == "" {
		t.Fatalf("login: %s", body)
	}
	// 32 bytes leave two spare bits in the last character: three more spellings.
	last := strings.IndexByte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", in.Token[len(in.Token)-1])
	respelt := in.Token[:len(in.Token)-1] + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1:][:1]
	for name, tc := range map[string]struct {
		token string
		known bool
	}{
		"as issued": {in.Token, true}, "respelt": {respelt, true}, "padded": {in.Token + "=", true},
		"refreshed": {b.Refresh(in.Token), true}, "none": {"", false}, "forged": {in.Token[:len(in.Token)-5] + "AAAAA", false},
	} {
		_, body, err := get(t, http.MethodGet, b.URL()+"/getInfo", tc.token)
		if err != nil || strings.Contains(body, `"userName":"ann"`) != tc.known || strings.Contains(body, `"code":401`) == tc.known {
			t.Errorf("%s: %s %v", name, body, err)
		}
	}
	if _, body, _ := get(t, http.MethodGet, b.URL()+"/x", in.Token); body != "hello ann" {
		t.Errorf("another path: %s", body)
	}
	if _, _, err := get(t, http.MethodPost, b.URL()+"/logout", in.Token); err != nil {
		t.Fatal(err)
	}
	if _, body, _ := get(t, http.MethodGet, b.URL()+"/x", in.Token); !strings.Contains(body, `"code":401`) {
		t.Errorf("after logout: %s", body)
	}
	if b.Calls("/getInfo") != 6 || b.Calls("/x") != 2 || b.UserID("ann") != 1 {
		t.Errorf("calls %d %d, id %d", b.Calls("/getInfo"), b.Calls("/x"), b.UserID("ann"))
	}
}

func TestBackendFaults(t *testing.T) {
	t.Parallel()
	b := proctest.Backend(t)
	token := b.Login("bob")
	for fault, want := range map[proctest.Fault]int{
		proctest.NoFault: 200, proctest.Error500: 500, proctest.HTML: 200, proctest.Huge: 200,
		proctest.Redirect: 302, proctest.Status429: 429, proctest.Break: 0,
	} {
		b.SetFault(fault)
		status, body, err := get(t, http.MethodGet, b.URL()+"/getInfo", token)
		if status != want || (want == 0) != (err != nil) {
			t.Errorf("fault %d: status %d, %v", fault, status, err)
		}
		if fault == proctest.Huge && len(body) < 2<<20 {
			t.Errorf("huge: %d bytes", len(body))
		}
	}
	b.SetFault(proctest.Hang)
	_, _, err := getWithin(t, 200*time.Millisecond, http.MethodGet, b.URL()+"/getInfo", token)
	var timeout interface{ Timeout() bool }
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("hang: %v", err)
	}
}
