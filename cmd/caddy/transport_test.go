package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wsgate/wsgate/core/proctest"
)

// privateCA makes a certificate that is an authority, a server's and a client's, and
// writes it and its key as PEM files.
func privateCA(t *testing.T, name string) (cert tls.Certificate, pool *x509.CertPool, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if cert, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	return cert, pool, certFile, keyFile
}

// TestIntrospectTransport: an endpoint behind mutual TLS with an authority of its own,
// which a reload of the same configuration keeps reaching, by its own transport.
func TestIntrospectTransport(t *testing.T) {
	t.Parallel()
	redis, backend := proctest.Redis(t), proctest.Backend(t)
	cert, pool, certFile, keyFile := privateCA(t, "id.internal")
	to, err := url.Parse(backend.URL())
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(to))
	endpoint.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}
	endpoint.StartTLS()
	t.Cleanup(endpoint.Close)

	with := func(transport, more string) string {
		file := site(redis, backend, "", more, "")
		return strings.Replace(file, backend.URL()+"/getInfo {", endpoint.URL+"/getInfo {\n"+transport, 1)
	}
	// The server's name is a placeholder, which is replaced while connecting.
	right := "transport http {\n tls_server_name {env.ENDPOINT_NAME}\n tls_trust_pool file " + certFile + "\n tls_client_auth " + certFile + " " + keyFile + "\n}"
	c := proctest.Caddy(t, with(right, ""), proctest.Env("ENDPOINT_NAME=id.internal"))
	ready(t, c)
	sock := socket(t, c, backend.Login("bob"))
	pong(sock)
	for _, more := range []string{"limits {\n connections 100\n}", ""} { // Caddy skips a reload without a change
		if err := c.Reload(with(right, more)); err != nil {
			t.Fatal(err)
		}
		pong(socket(t, c, backend.Login("alice")))
	}
	pong(sock)
	if err := c.Reload(with("", "")); err != nil { // trusts the system's authorities, and has no certificate
		t.Fatal(err)
	}
	if res := proctest.Refused(t, c.URL()+"/ws?token="+backend.Login("carol")); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d from an endpoint that is not trusted", res.StatusCode)
	}
	pong(sock)
}
