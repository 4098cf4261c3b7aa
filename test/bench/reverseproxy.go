package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"time"

	"github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	corazahttp "github.com/corazawaf/coraza/v3/http"
)

// bare is the yardstick: httputil.ReverseProxy with nothing around it.
type bare struct {
	listen, listenTLS, origin, cert, key string
	coraza                               bool // requests pass the Core Rule Set in Coraza first
}

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
	var h http.Handler = &httputil.ReverseProxy{
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
	if b.coraza {
		waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives(setup + "Include @owasp_crs/*.conf\n"))
		if err != nil {
			return fmt.Errorf("load rules: %w", err)
		}
		h = corazahttp.WrapHandler(waf, h)
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
