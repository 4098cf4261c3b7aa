// Package flight records connections of the gateway with the flight recorder and reads the recordings as one reads captures.
package flight

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
	"github.com/lunette-waf/lunette/internal/gateway/listener"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/test/peer"
)

// suite is a way to speak TLS.
type suite struct {
	name    string
	version uint16
	id      uint16 // 0: TLS 1.3 chooses itself
}

var suites = []suite{
	{"tls13", tls.VersionTLS13, 0},
	{"tls12-gcm", tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
	{"tls12-chacha", tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
	{"tls12-cbc", tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
	{"tls12-rsa-cbc256", tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_CBC_SHA256},
	{"tls11-cbc", tls.VersionTLS11, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA},
	{"tls10-rsa-cbc", tls.VersionTLS10, tls.TLS_RSA_WITH_AES_128_CBC_SHA},
	{"tls10-ecdhe-cbc", tls.VersionTLS10, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA},
	{"tls12-rc4", tls.VersionTLS12, tls.TLS_RSA_WITH_RC4_128_SHA},
}

// serve is an origin that takes bodies and gives as many bytes as it is asked for.
func serve(t *testing.T, s suite, h2 bool) *httptest.Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		var n int
		_, _ = fmt.Sscanf(r.URL.Path, "/give/%d", &n)
		_, _ = io.WriteString(w, strings.Repeat("0123456789", n/10))
	}))
	srv.EnableHTTP2 = h2
	srv.TLS = &tls.Config{MinVersion: s.version, MaxVersion: s.version}
	if s.id != 0 {
		srv.TLS.CipherSuites = []uint16{s.id}
	}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

func recorder(t *testing.T, cfg flight.Config) *flight.Recorder {
	t.Helper()
	r, err := flight.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// reach is the origin leg to url.
func reach(t *testing.T, url string, f exchange.Flight, change func(*origin.Config)) *origin.Origin {
	t.Helper()
	cfg := origin.Config{URLs: []string{url}, HTTP: "1.1", TLS: origin.TLS{Verify: "none", Profile: "legacy"}, Timeouts: origin.Timeouts{KeepaliveIdle: time.Minute}}
	if change != nil {
		change(&cfg)
	}
	o, err := origin.New(cfg, origin.Deps{Flight: f})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// ask makes one exchange, with a request body of so many bytes.
func ask(t *testing.T, o *origin.Origin, path string, body int) *exchange.Exchange {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), W: nobody{}, Client: &exchange.Client{ConnID: 1},
		Request: exchange.Request{Method: "POST", Path: path, Target: path, Scheme: "https", Authority: "shop.test", Proto: exchange.HTTP11, Length: int64(body), Body: sized{bytes.NewReader(make([]byte, body))}}}
	resp, err := o.RoundTrip(ctx, x, &x.Request)
	if err == nil {
		_, err = io.Copy(io.Discard, readOnly{resp.Body})
		_ = resp.Body.Close()
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return x
}

func taken(t *testing.T, x *exchange.Exchange) *recording.Recording {
	t.Helper()
	taper, ok := x.Attempts[len(x.Attempts)-1].Tape.(flight.Taper)
	if !ok {
		t.Fatal("the attempt has no tape")
	}
	r := taper.Recording()
	if r == nil {
		t.Fatal("nothing is kept")
	}
	return r
}

// read is a recording, read as a capture.
func read(t *testing.T, r *recording.Recording) *flow.Flow {
	t.Helper()
	flows, err := analysis.Recorded(t.Context(), []*recording.Recording{r}, analysis.Config{Secrets: secrets.New()})
	if err != nil || len(flows) != 1 {
		t.Fatalf("%d flows: %v", len(flows), err)
	}
	return flows[0]
}

// answers are the targets that got an answer of 200 in full, in order.
func answers(f *flow.Flow) (out []string) {
	for _, x := range f.Exchanges {
		if x.Request.Head != nil && x.Response.Head != nil && x.Response.Head.Status == 200 {
			out = append(out, x.Request.Head.Target)
		}
	}
	return out
}

func lost(r *recording.Recording) (n [3]int64, records [3]int64) {
	for _, p := range r.Pieces {
		n[p.Side] += p.Lost
		records[p.Side] += p.Records
	}
	return n, records
}

// TestWhole: what fits is kept whole, and opens with the secrets that are with it, in every version.
func TestWhole(t *testing.T) {
	r := recorder(t, flight.Config{})
	f := r.For(flight.Settings{Site: "shop", Mode: flight.Packets, Bytes: 64 << 10})
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			o := reach(t, serve(t, s, false).URL, f, nil)
			ask(t, o, "/first", 0)
			rec := taken(t, ask(t, o, "/give/1000", 0))
			if rec.Omitted != 0 {
				t.Errorf("%d bytes are not there", rec.Omitted)
			}
			if got := answers(read(t, rec)); fmt.Sprint(got) != "[/first /give/1000]" {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestBehindAHole: the last exchanges open where megabytes before them are gone on both sides: the number of records that are lost is
// known, and in TLS 1.0 the block that the next record is chained to.
func TestBehindAHole(t *testing.T) {
	r := recorder(t, flight.Config{})
	f := r.For(flight.Settings{Site: "shop", Mode: flight.Packets, Bytes: 32 << 10})
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			o := reach(t, serve(t, s, false).URL, f, nil)
			ask(t, o, "/first", 0)
			for range 20 { // below what goes on a connection of its own
				ask(t, o, "/give/80000", 45000)
			}
			for range 300 { // many short records
				ask(t, o, "/many", 10)
			}
			ask(t, o, "/give/200000", 45000)
			for range 12 {
				ask(t, o, "/give/2000", 2000)
			}
			rec := taken(t, ask(t, o, "/last", 0))
			n, records := lost(rec)
			if n[fact.SideServer] < 1500000 || n[fact.SideClient] < 800000 || records[fact.SideClient] < 300 || records[fact.SideServer] < 300 {
				t.Fatalf("lost %v bytes in %v records", n, records)
			}
			got := answers(read(t, rec))
			if len(got) < 4 || got[0] != "/first" || got[len(got)-1] != "/last" || got[len(got)-2] != "/give/2000" {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestResumed: the secrets of a resumed session are with the connection that resumed it.
func TestResumed(t *testing.T) {
	r := recorder(t, flight.Config{})
	f := r.For(flight.Settings{Site: "shop", Mode: flight.Packets, Bytes: 64 << 10})
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			srv := serve(t, s, false)
			o := reach(t, srv.URL, f, nil)
			first := ask(t, o, "/first", 0)
			srv.CloseClientConnections()
			second := ask(t, o, "/second", 0)
			a := second.Attempts[len(second.Attempts)-1]
			if !a.Resumed || a.ConnID == first.Attempts[0].ConnID {
				t.Fatalf("resumed %v, connections %d and %d", a.Resumed, first.Attempts[0].ConnID, a.ConnID)
			}
			if got := answers(read(t, taken(t, second))); fmt.Sprint(got) != "[/second]" {
				t.Errorf("%v", got)
			}
		})
	}
}

// TestHTTP2 has several exchanges on one tape.
func TestHTTP2(t *testing.T) {
	r := recorder(t, flight.Config{})
	f := r.For(flight.Settings{Site: "shop", Mode: flight.Packets, Bytes: 64 << 10})
	o := reach(t, serve(t, suites[0], true).URL, f, func(c *origin.Config) { c.HTTP = "2" })
	ask(t, o, "/first", 100)
	x := ask(t, o, "/give/1000", 0)
	if got := answers(read(t, taken(t, x))); x.Attempts[0].Proto != exchange.HTTP2 || fmt.Sprint(got) != "[/first /give/1000]" {
		t.Errorf("%v over %v", got, x.Attempts[0].Proto)
	}
}

// TestFailedHandshake: an attempt that never got a connection has its tape all the same.
func TestFailedHandshake(t *testing.T) {
	r := recorder(t, flight.Config{})
	f := r.For(flight.Settings{Site: "shop", Mode: flight.Packets, Bytes: 64 << 10})
	o := reach(t, serve(t, suites[0], false).URL, f, func(c *origin.Config) { c.TLS.MaxVersion = tls.VersionTLS12 })
	x := &exchange.Exchange{ID: exchange.NewID(time.Now()), Start: time.Now(), W: nobody{}, Request: exchange.Request{Method: "GET", Path: "/", Target: "/", Authority: "shop.test", Body: exchange.NoBody}}
	if _, err := o.RoundTrip(t.Context(), x, &x.Request); err == nil {
		t.Fatal("no fault")
	}
	fl := read(t, taken(t, x))
	alert := false
	for _, f := range fl.Facts {
		alert = alert || f.Kind == fact.TLSAlert && f.Side == fact.SideServer && f.Code == 70
	}
	if !alert {
		t.Errorf("no alert 70 among %v", fl.Facts)
	}
	if s := r.Stats(); s.Open != 0 {
		t.Errorf("%d tapes are open", s.Open)
	}
}

// TestRealPeers: OpenSSL's side of it.
func TestRealPeers(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"shop.test"}})
	srv := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}} ssl; ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate " + cert.File + "; ssl_certificate_key " + cert.Key +
		"; keepalive_requests 1000; location / { return 200 ok; } }"})
	r := recorder(t, flight.Config{})
	f := r.For(flight.Settings{Site: "shop", Mode: flight.Packets, Bytes: 32 << 10})
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		o := reach(t, "https://"+srv.Addr, f, func(c *origin.Config) { c.TLS.MinVersion, c.TLS.MaxVersion = v, v })
		for range 60 {
			ask(t, o, "/echo", 1000)
		}
		rec := taken(t, ask(t, o, "/last", 0))
		if n, _ := lost(rec); n[fact.SideClient] == 0 {
			t.Errorf("%x: nothing was lost", v)
		}
		if got := answers(read(t, rec)); len(got) < 10 || got[len(got)-1] != "/last" {
			t.Errorf("%x: %v", v, got)
		}
	}
}

// TestStall: an origin that takes the request and says nothing is told of while it lasts, with what it has heard.
func TestStall(t *testing.T) {
	hold := make(chan struct{})
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	t.Cleanup(srv.Close)
	told := make(chan flight.Stall, 10)
	r := recorder(t, flight.Config{Stalled: func(s flight.Stall) { told <- s }})
	f := r.For(flight.Settings{Site: "shop", Mode: flight.Packets, Bytes: 64 << 10, StallAfter: 100 * time.Millisecond})
	n := int64(0)
	for _, proto := range []string{"1.1", "2"} {
		if proto == "2" {
			s2 := httptest.NewUnstartedServer(srv.Config.Handler)
			s2.EnableHTTP2 = true
			s2.StartTLS()
			t.Cleanup(s2.Close)
			srv = s2
		}
		o := reach(t, srv.URL, f, func(c *origin.Config) { c.HTTP = proto })
		done := make(chan struct{})
		go func() {
			defer close(done)
			ask(t, o, "/slow", 0)
		}()
		s, got := stalled(t, told)
		for n++; len(got.Exchanges) == 0 && n < 20; n++ { // on a busy machine the handshake itself may have been slower than that
			s, got = stalled(t, told)
		}
		if s.Path != "/slow" || s.Writing || s.Site != "shop" || s.URL != srv.URL || len(got.Exchanges) != 1 || got.Exchanges[0].Request.Head.Target != "/slow" {
			t.Errorf("HTTP/%s: %+v, %d exchanges", proto, s, len(got.Exchanges))
		}
		hold <- struct{}{}
		<-done
	}
	if r.Stats().Stalls != n {
		t.Errorf("%d stalls, and %d were told", r.Stats().Stalls, n)
	}
	close(hold)
}

// stalled waits for a stall and reads what was recorded until then.
func stalled(t *testing.T, told <-chan flight.Stall) (flight.Stall, *flow.Flow) {
	t.Helper()
	select {
	case s := <-told:
		return s, read(t, s.Tape.(flight.Taper).Recording())
	case <-time.After(30 * time.Second):
		t.Fatal("no stall is told")
		return flight.Stall{}, nil
	}
}

// TestClientLeg: nothing opens what a client said, unless somebody asked for it before.
func TestClientLeg(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"shop.test"}})
	certs, err := listener.LoadCertificates(listener.CertificateFile{Chain: cert.File, Key: cert.Key})
	if err != nil {
		t.Fatal(err)
	}
	r := recorder(t, flight.Config{})
	f := r.For(flight.Settings{Site: "shop", Leg: flight.ClientLeg, Mode: flight.Packets, Bytes: 64 << 10})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sites := &listener.SiteTable{Default: &listener.SiteTLS{Name: "shop", Certificates: certs}}
	l, err := listener.New(listener.Config{TLS: true, HTTP2: true, Sites: sites, Flight: func(site string) exchange.Flight {
		if site != "shop" {
			t.Errorf("site %q", site)
		}
		return f
	}}, ln, hello{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() { defer close(served); _ = l.Serve(ctx) }()
	defer func() { cancel(); <-served }()
	get := func(h2 bool) *recording.Recording {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), ServerName: "shop.test"}, ForceAttemptHTTP2: h2}
		resp, err := (&http.Client{Transport: tr}).Get("https://" + ln.Addr().String() + "/page")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		tr.CloseIdleConnections()
		return nil
	}
	for _, h2 := range []bool{false, true} {
		get(h2)
		armed := r.Arm(flight.Arm{Leg: flight.ClientLeg})
		get(h2)
		opened := 0
		for e := range armed.Events() {
			if !e.Closed {
				continue
			}
			// The connection from before may end only now.
			if got := answers(read(t, e.Recording)); len(e.Recording.KeyLog) == 0 && len(got) > 0 || len(e.Recording.KeyLog) > 0 && fmt.Sprint(got) != "[/page]" {
				t.Errorf("h2 %v: %v with secrets %q", h2, got, e.Recording.KeyLog)
			} else if len(e.Recording.KeyLog) > 0 {
				opened++
				armed.Close()
			}
		}
		if opened != 1 {
			t.Errorf("h2 %v: %d opened", h2, opened)
		}
	}
}

// hello answers everything.
type hello struct{}

// Serve implements exchange.Handler.
func (hello) Serve(_ context.Context, x *exchange.Exchange) {
	if x.W.Head(&exchange.Response{Status: 200, Length: 5}) == nil {
		_ = x.W.Body([]byte("hello"), true)
	}
}

type sized struct{ *bytes.Reader }

func (sized) Close() error             { return nil }
func (sized) Trailer() exchange.Header { return nil }

type readOnly struct{ exchange.Body }

type nobody struct{}

func (nobody) Informational(int, exchange.Header) error { return nil }
func (nobody) Head(*exchange.Response) error            { return nil }
func (nobody) Body([]byte, bool) error                  { return nil }
func (nobody) Trailer(exchange.Header) error            { return nil }
func (nobody) Upgrade(*exchange.Response) (io.ReadWriteCloser, error) {
	return nil, io.ErrClosedPipe
}
