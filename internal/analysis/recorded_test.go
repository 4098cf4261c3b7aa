package analysis

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/test/peer"
)

// record asks addr for "/" over TLS, as often as n says, and closes.
func record(t testing.TB, id uint64, addr string, cfg *tls.Config, n, limit int) *recording.Recording {
	t.Helper()
	r := &recording.Recording{ID: id, Name: "localhost", Start: time.Now()}
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r.Connect = time.Since(r.Start)
	r.Client, r.Server = netip.MustParseAddrPort(raw.LocalAddr().String()), netip.MustParseAddrPort(raw.RemoteAddr().String())
	c := recording.New(raw, r, limit)
	cfg.InsecureSkipVerify, cfg.KeyLogWriter = true, c.KeyLog()
	sealed := tls.Client(c, cfg)
	for i := range n {
		last := ""
		if i == n-1 {
			last = "Connection: close\r\n"
		}
		if _, err := io.WriteString(sealed, "GET / HTTP/1.1\r\nHost: localhost\r\n"+last+"\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	c.Note(fact.Fact{Kind: fact.TLSVerified, Text: "ok"})
	if _, err := io.Copy(io.Discard, sealed); err != nil {
		t.Fatal(err)
	}
	sealed.Close()
	return r
}

// nginxServer serves a page that takes several records and packets.
func nginxServer(t testing.TB) *peer.Server {
	cert := peer.NewCA(t).Issue(peer.Issue{Names: []string{"localhost"}, RSA: 2048})
	s := peer.Nginx(t, peer.NginxConfig{HTTP: `server { listen {{addr}} ssl; ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate ` + cert.File + `; ssl_certificate_key ` + cert.Key + `; location / { root {{root}}; } }`})
	if err := os.WriteFile(filepath.Join(s.Root, "index.html"), bytes.Repeat([]byte("a page of some length\n"), 4000), 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

func kinds(f *flow.Flow) (out []string) {
	for i := range f.Facts {
		out = append(out, f.Facts[i].Side.String()+" "+f.Facts[i].Kind.String())
	}
	return out
}

func TestRecorded(t *testing.T) {
	s := nginxServer(t)
	recs := []*recording.Recording{
		record(t, 7, s.Addr, &tls.Config{MinVersion: tls.VersionTLS13}, 2, 0),
		record(t, 3, s.Addr, &tls.Config{MaxVersion: tls.VersionTLS12}, 1, 0),
	}
	flows, err := Recorded(context.Background(), recs, Config{})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := WriteRecordings(&file, recs); err != nil {
		t.Fatal(err)
	}
	report, err := Run(context.Background(), Config{Inputs: []Input{bytesInput("recorded.pcapng", file.Bytes())}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Warnings) > 0 {
		t.Error(report.Warnings)
	}
	// A capture of the same connections tells the same, and what packets alone tell.
	packetsOnly := []string{"client tcp_syn", "server tcp_syn_ack", "server tcp_reset"}
	for i, f := range flows {
		r, captured := recs[i], report.Flows[i]
		if f.ID != r.ID || f.Client != r.Client || f.Server != r.Server {
			t.Errorf("flow %d is %d %v %v", i, f.ID, f.Client, f.Server)
		}
		if len(f.Exchanges) != 2-i || len(captured.Exchanges) != 2-i || f.Exchanges[0].Response.Size != 4000*22 {
			t.Fatalf("flow %d: %d exchanges of %d: %v", i, len(f.Exchanges), len(captured.Exchanges), kinds(f))
		}
		mine := slices.DeleteFunc(kinds(f), func(k string) bool { return k == " verified" })
		theirs := slices.DeleteFunc(kinds(captured), func(k string) bool { return slices.Contains(packetsOnly, k) })
		slices.Sort(mine)
		slices.Sort(theirs)
		if !slices.Equal(mine, theirs) {
			t.Errorf("flow %d:\nrecorded %v\ncaptured %v", i, mine, theirs)
		}
		for _, x := range f.Facts {
			if x.Frame != 0 || x.Conn != r.ID || x.Kind == fact.TLSVerified && x.Text != "ok" {
				t.Errorf("fact %+v", x)
			}
		}
		if !slices.IsSortedFunc(f.Facts, func(a, b fact.Fact) int { return a.At.Compare(b.At) }) {
			t.Error("facts are not in order of time")
		}
	}
}

// TestWriteRecordingsOracle holds that Wireshark opens what was written, decrypted and without complaints.
func TestWriteRecordingsOracle(t *testing.T) {
	tshark := peer.Need(t, "tshark", "tshark")
	s := nginxServer(t)
	six := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "over six") }))
	addresses := []string{s.Addr}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		six.Listener = l
		six.StartTLS()
		defer six.Close()
		addresses = append(addresses, l.Addr().String())
	}
	var recs []*recording.Recording
	for i, addr := range addresses {
		recs = append(recs, record(t, uint64(2*i), addr, &tls.Config{MinVersion: tls.VersionTLS13}, 1, 0),
			record(t, uint64(2*i+1), addr, &tls.Config{MaxVersion: tls.VersionTLS12}, 1, 0))
	}
	path := filepath.Join(t.TempDir(), "recorded.pcapng")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteRecordings(f, recs); err != nil {
		t.Fatal(err)
	}
	f.Close()
	args := []string{"-n", "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=|",
		"-e", "tcp.stream", "-e", "http.response.code", "-e", "tcp.checksum.status", "-e", "ip.checksum.status", "-e", "tcp.analysis.flags", "-e", "_ws.malformed"}
	for _, addr := range addresses {
		_, port, _ := net.SplitHostPort(addr)
		args = append(args, "-d", "tcp.port=="+port+",tls", "-d", "tls.port=="+port+",http")
	}
	out, err := exec.Command(tshark, args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	answered := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		w := strings.Split(strings.TrimSpace(line), "|")
		if w[1] == "200" {
			answered[w[0]] = true
		}
		if w[2] != "1" || w[3] != "1" && w[3] != "" || w[4] != "" || w[5] != "" {
			t.Errorf("tshark says %q", line)
		}
	}
	if len(answered) != len(recs) {
		t.Errorf("decrypted answers in %v of %d connections", answered, len(recs))
	}
}

func TestRecordedBeyondLimit(t *testing.T) {
	s := nginxServer(t)
	r := record(t, 1, s.Addr, &tls.Config{}, 1, 20_000)
	if r.Omitted == 0 {
		t.Fatal("everything was kept")
	}
	flows, err := Recorded(context.Background(), []*recording.Recording{r}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	f := flows[0]
	for i := range f.Facts {
		switch x := &f.Facts[i]; x.Kind {
		case fact.TLSBadRecord, fact.HTTPCutShort, fact.HTTPBroken, fact.Silence:
			t.Errorf("%v %v %q: what was not kept counts as not sent", x.Side, x.Kind, x.Text)
		}
	}
	if f.Exchanges[0].Response.Head.Status != 200 {
		t.Error(f.Exchanges[0].Response)
	}
}

func TestRecordedFacts(t *testing.T) {
	start := time.Now()
	r := &recording.Recording{ID: 5, Start: start, Connect: -1, End: start.Add(2 * time.Second), Server: netip.MustParseAddrPort("192.0.2.1:443"),
		Facts: []fact.Fact{{Kind: fact.TCPFailed, At: start.Add(time.Second), Code: 111, Text: "ECONNREFUSED", Size: 1e9}}}
	waited := &recording.Recording{ID: 6, Start: start, Connect: time.Millisecond, End: start.Add(12 * time.Second),
		Client: netip.MustParseAddrPort("192.0.2.9:5000"), Server: netip.MustParseAddrPort("192.0.2.1:80"),
		Pieces: []recording.Piece{{At: start.Add(2 * time.Millisecond), Side: fact.SideClient, Data: []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")},
			{At: start.Add(11 * time.Second), Side: fact.SideClient, End: fact.TCPClosed}},
		Facts: []fact.Fact{{Kind: fact.GaveUp, At: start.Add(10 * time.Second), Size: 10e9, Text: "timeouts.first_byte"}}}
	flows, err := Recorded(context.Background(), []*recording.Recording{r, waited}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if got := kinds(flows[0]); !slices.Equal(got, []string{" tcp_failed"}) || flows[0].Protocol != "" {
		t.Error(got, flows[0].Protocol)
	}
	want := []string{"client tcp_connected", "client plain_request", "client request_head", "client request_done", "server silence", " gave_up", "client tcp_closed"}
	if got := kinds(flows[1]); !slices.Equal(got, want) {
		t.Error(got)
	}
	silence := flows[1].Facts[flows[1].Decisive]
	if silence.Kind != fact.Silence || silence.Text != "response" || silence.Size != 10_998e6 {
		t.Errorf("%+v", silence)
	}
	var file bytes.Buffer
	if err := WriteRecordings(&file, []*recording.Recording{r, waited}); err != nil {
		t.Fatal(err)
	}
	report, err := Run(context.Background(), Config{Inputs: []Input{bytesInput("", file.Bytes())}})
	if err != nil || len(report.Flows) != 2 {
		t.Fatal(report, err)
	}
	if got := kinds(report.Flows[0]); !slices.Equal(got, []string{"client tcp_syn", "server silence", "server tcp_reset"}) {
		t.Error(got)
	}
}

func TestRecordedCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(io.ErrNoProgress)
	if _, err := Recorded(ctx, []*recording.Recording{{}}, Config{}); err != io.ErrNoProgress {
		t.Error(err)
	}
}
