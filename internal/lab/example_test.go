package lab_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"

	"github.com/lunette-waf/lunette/internal/lab"
)

// An origin that asks for a client certificate after the request, and a client that answers it.
func ExampleStart() {
	o, err := lab.Start(context.Background(), lab.Config{Fault: "renegotiate-accept", Observe: func(e lab.Event) {
		if e.Kind == lab.HelloRequest || e.Kind == lab.Renegotiated {
			fmt.Println("origin:", e.Kind)
		}
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer o.Close()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(o.CA())
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: lab.DefaultName,
		MaxVersion: tls.VersionTLS12, Renegotiation: tls.RenegotiateFreelyAsClient}}}
	r, err := c.Get("https://" + o.Addr() + "/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Body.Close()
	fmt.Println("client:", r.Status)
	// Output:
	// origin: hello_request
	// origin: renegotiated
	// client: 200 OK
}
