package redisconn_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wsgate/wsgate/core/proctest"
	"github.com/wsgate/wsgate/core/pubsub"
	"github.com/wsgate/wsgate/core/redisconn"
)

// pki writes ca.pem, and <name>.pem with <name>.key for each name, all for
// 127.0.0.1, into a folder that it returns.
func pki(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) {
		b := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var ca *x509.Certificate
	var caKey *ecdsa.PrivateKey
	for i, name := range append([]string{"ca"}, names...) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
			IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: i == 0,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
		if i == 0 {
			ca, caKey = c, key
		}
		der, err := x509.CreateCertificate(rand.Reader, c, ca, &key.PublicKey, caKey)
		if err != nil {
			t.Fatal(err)
		}
		keyDER, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".pem", "CERTIFICATE", der)
		write(name+".key", "PRIVATE KEY", keyDER)
	}
	return dir
}

func TestOpenTLS(t *testing.T) {
	t.Parallel()
	dir := pki(t, "server", "client")
	in := func(name string) string { return filepath.Join(dir, name) }
	port := strconv.Itoa(proctest.FreePort(t))
	s := proctest.Redis(t, "--tls-port", port, "--tls-ca-cert-file", in("ca.pem"),
		"--tls-cert-file", in("server.pem"), "--tls-key-file", in("server.key"), "--tls-auth-clients", "yes")
	s.CLI("ACL", "SETUSER", "gate", "on", ">secret", "~*", "&*", "+@all")
	url := "rediss://127.0.0.1:" + port
	good := redisconn.Config{
		URLs: []string{url}, Username: "gate", Password: "secret",
		TLSCA: in("ca.pem"), TLSCert: in("client.pem"), TLSKey: in("client.key"),
	}
	if err := ping(t, good); err != nil {
		t.Fatalf("TLS with a client certificate and an ACL user: %v", err)
	}
	deliverOverTLS(t, s, good)
	for name, change := range map[string]func(*redisconn.Config){
		"an unknown authority":  func(c *redisconn.Config) { c.TLSCA = "" },
		"no client certificate": func(c *redisconn.Config) { c.TLSCert, c.TLSKey = "", "" },
		"another host name":     func(c *redisconn.Config) { c.URLs = []string{"rediss://localhost:" + port} },
		"plain to a TLS port":   func(c *redisconn.Config) { *c = redisconn.Config{URLs: []string{"redis://127.0.0.1:" + port}} },
		"TLS to a plain port":   func(c *redisconn.Config) { c.URLs = []string{"rediss://" + s.Addr()} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			change(&cfg)
			if err := ping(t, cfg); err == nil {
				t.Fatal("the server was trusted")
			}
		})
	}
}

// deliverOverTLS has the subscription link, which reads its connection itself, run over
// a TLS one.
func deliverOverTLS(t *testing.T, s *proctest.RedisServer, cfg redisconn.Config) {
	t.Helper()
	up, got := make(chan struct{}, 1), make(chan string, 2)
	link := pubsub.New(func(wrap pubsub.DialWrap) *redis.Client {
		c, err := redisconn.OpenLink(cfg, nil, redisconn.Options{WrapDial: wrap})
		if err != nil {
			t.Error(err)
		}
		return c
	}, pubsub.Handler{
		Up:      func() { up <- struct{}{} },
		Message: func(_ string, payload []byte) { got <- string(payload) },
	}, pubsub.Options{})
	defer link.Close()
	link.Subscribe("a")
	<-up
	large := strings.Repeat("x", 100_000)
	s.CLI("PUBLISH", "a", large)
	s.CLI("PUBLISH", "a", "last")
	if <-got != large || <-got != "last" {
		t.Error("the messages came otherwise")
	}
}
