package originlog

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/peer"
)

// asked is one request on a connection of its own, as facts tell of it.
func asked(t *testing.T, id uint64, addr string, cfg *tls.Config, path string) Conn {
	t.Helper()
	c := Conn{ID: id, Start: time.Now()}
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c.Client, c.Server = raw.LocalAddr().(*net.TCPAddr).AddrPort(), raw.RemoteAddr().(*net.TCPAddr).AddrPort()
	nc := raw
	if cfg != nil {
		nc = tls.Client(raw, cfg)
	}
	c.Facts = append(c.Facts, fact.Fact{Kind: fact.RequestHead, At: time.Now(), Detail: &fact.HTTPHead{Method: "GET", Target: path}})
	if _, err := fmt.Fprintf(nc, "GET %s HTTP/1.1\r\nHost: origin.test\r\nConnection: close\r\n\r\n", path); err != nil {
		t.Log(err)
	}
	answer, err := io.ReadAll(nc)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Log(err) // a renegotiation that was refused
	}
	if strings.HasPrefix(string(answer), "HTTP/1.1 ") {
		status := number(string(answer[9:12]), 999)
		c.Facts = append(c.Facts, fact.Fact{Kind: fact.ResponseHead, At: time.Now(), Detail: &fact.HTTPHead{Status: status}})
	}
	c.Facts = append(c.Facts, fact.Fact{Kind: fact.TCPClosed, At: time.Now()})
	c.End = time.Now()
	return c
}

// logOf reads a log that a server wrote.
func logOf(t *testing.T, path string) []Entry {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	entries, report, err := Read(f, path, Config{Location: time.Local})
	if err != nil || report.Damaged > 0 {
		data, _ := os.ReadFile(path)
		t.Fatalf("%v, %q:\n%s", err, report.Faults, data)
	}
	return entries
}

// codes are what the log said about a connection.
func codes(facts []fact.Fact) []string {
	var out []string
	for _, x := range facts {
		out = append(out, x.Text)
	}
	return out
}

func TestApacheLogs(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"origin.test"}})
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	combined, withPort := filepath.Join(dir, "combined.log"), filepath.Join(dir, "port.log")
	srv := peer.Apache(t, peer.ApacheConfig{ClientCA: ca.File, MaxTLS: "1.2", Sites: []peer.ApacheSite{{Name: "origin.test", Cert: cert, Locations: []peer.ApacheLocation{{Path: "/require", VerifyClient: "require"}}}},
		Extra: "LogFormat \"%h %l %u %t \\\"%r\\\" %>s %b \\\"%{Referer}i\\\" \\\"%{User-Agent}i\\\"\" combined\nCustomLog " + combined + " combined\n" +
			"LogFormat \"%a:%{remote}p %l %u %t \\\"%r\\\" %>s %b us=%D\" port\nCustomLog " + withPort + " port"})
	cfg := &tls.Config{RootCAs: ca.Pool(), ServerName: "origin.test"}
	cfg.MaxVersion = tls.VersionTLS12
	conns := []Conn{asked(t, 1, srv.Addr, cfg, "/"), asked(t, 2, srv.Addr, cfg, "/require/x"), asked(t, 3, srv.Addr, cfg, "/none")}
	srv.Stop()

	j := Join(conns, logOf(t, filepath.Join(srv.Dir, "error.log")))
	if got := codes(j.Facts[1]); !slices.Contains(got, "AH02226") || !slices.Contains(got, "AH02261") {
		t.Errorf("error log says of the refused renegotiation: %q", got)
	}
	if got := codes(j.Facts[0]); slices.Contains(got, "AH02226") {
		t.Errorf("error log says of the plain request: %q", got)
	}
	if j.Clock.Offset != 0 { // times to the microsecond stay where they are
		t.Errorf("the clock is off by %s on one machine", j.Clock.Offset)
	}
	for _, path := range []string{combined, withPort} {
		j := Join(conns, logOf(t, path))
		want := [][]string{{"200"}, {"403"}, {"404"}}
		for i := range conns {
			if got := codes(j.Facts[i]); !slices.Equal(got, want[i]) {
				t.Errorf("%s, connection %d: %q, want %q (%+v)", filepath.Base(path), i, got, want[i], j)
			}
		}
	}
}

func TestNginxLogs(t *testing.T) {
	ca := peer.NewCA(t)
	cert := ca.Issue(peer.Issue{Names: []string{"origin.test"}})
	srv := peer.Nginx(t, peer.NginxConfig{HTTP: fmt.Sprintf("server { listen {{addr}} ssl; server_name origin.test; ssl_certificate %s; ssl_certificate_key %s; root {{root}}; }", cert.File, cert.Key)})
	cfg := &tls.Config{RootCAs: ca.Pool(), ServerName: "origin.test"}
	conns := []Conn{asked(t, 1, srv.Addr, cfg, "/index.html"), asked(t, 2, srv.Addr, nil, "/plain"), asked(t, 3, srv.Addr, cfg, "/none")}
	srv.Stop()

	access := Join(conns, logOf(t, filepath.Join(srv.Dir, "access.log")))
	for i, want := range []string{"200", "400", "404"} {
		if got := codes(access.Facts[i]); len(got) != 1 || got[0] != want {
			t.Errorf("access log, connection %d: %q, want %s", i, got, want)
		}
	}
	faults := Join(conns, logOf(t, filepath.Join(srv.Dir, "error.log")))
	if got := codes(faults.Facts[1]); !slices.Contains(got, "client sent plain HTTP request to HTTPS port") {
		t.Errorf("error log, plain request: %q", got)
	}
	if got := codes(faults.Facts[2]); !slices.Contains(got, "open() \""+filepath.Join(srv.Root, "none")+"\" failed") {
		t.Errorf("error log, missing file: %q", got)
	}
}

// TestNginx444: a connection that nginx closes without an answer gets its own line, not that of others who asked for the same path.
func TestNginx444(t *testing.T) {
	srv := peer.Nginx(t, peer.NginxConfig{HTTP: "server { listen {{addr}}; server_name origin.test; location / { if ($arg_token) { return 444; } return 200; } }"})
	asked(t, 9, srv.Addr, nil, "/") // another's
	conns := []Conn{asked(t, 1, srv.Addr, nil, "/?token=abc"), asked(t, 2, srv.Addr, nil, "/?token=abc"), asked(t, 3, srv.Addr, nil, "/?token=abc")}
	asked(t, 9, srv.Addr, nil, "/")
	srv.Stop()
	j := Join(conns, logOf(t, filepath.Join(srv.Dir, "access.log")))
	for i := range conns {
		if got := codes(j.Facts[i]); !slices.Equal(got, []string{"444"}) {
			t.Errorf("connection %d: %q, want 444 (%+v)", i, got, j)
		}
	}
	if j.Clock.Offset != 0 || j.Ambiguous > 2 {
		t.Errorf("%+v", j)
	}
}
