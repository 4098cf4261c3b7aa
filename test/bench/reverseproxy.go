package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"
)

// bare is the yardstick: httputil.ReverseProxy with nothing around it.
type bare struct{ listen, listenTLS, origin, cert, key string }

func (b *bare) serve() error {
	pem, err := os.ReadFile(b.cert)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return errors.New("read authorities: no certificate")
	}
	target := &url.URL{Scheme: "https", Host: b.origin}
	h := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: pool, ServerName: site, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost: 64, IdleConnTimeout: 60 * time.Second, DisableCompression: true,
		},
	}
	failed := make(chan error, 2)
	go func() {
		failed <- (&http.Server{Addr: b.listen, Handler: h, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
	}()
	go func() {
		failed <- (&http.Server{Addr: b.listenTLS, Handler: h, ReadHeaderTimeout: 10 * time.Second}).ListenAndServeTLS(b.cert, b.key)
	}()
	return <-failed
}
