package redisconn

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// keepAlive finds a peer that vanished without a word within 45 s even on a
// connection that nobody uses.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3}

// tlsDialer dials plainly where secure is nil.
func tlsDialer(secure *tls.Config) DialFunc {
	plain := &net.Dialer{KeepAliveConfig: keepAlive}
	if secure == nil {
		return plain.DialContext
	}
	return (&tls.Dialer{NetDialer: plain, Config: secure}).DialContext
}

// loadTLS puts the configured files into t.
func loadTLS(t *tls.Config, ca, cert, key string) error {
	if ca != "" {
		pem, err := os.ReadFile(ca) //nolint:gosec // the operator's own file
		if err != nil {
			return fmt.Errorf("redisconn: tls_ca: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("redisconn: tls_ca: %s holds no PEM certificate", ca)
		}
	}
	if (cert == "") != (key == "") {
		return errors.New("redisconn: tls_cert and tls_key go together: give both files or neither")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return fmt.Errorf("redisconn: tls_cert and tls_key: %w", err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return nil
}
