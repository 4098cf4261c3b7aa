package incident

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/store"
	"github.com/lunette-waf/lunette/test/captures"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// sampled is a failure with a sample that holds the packets of a recorded connection, with its secrets.
func sampled(t testing.TB, name string) Failure {
	t.Helper()
	packets, err := os.ReadFile(captures.Find(t, name).Path)
	if err != nil {
		t.Fatal(err)
	}
	f := failure("tls.hello_request_refused")
	f.At, f.Request = noon, "01REQUEST"
	f.Finding.Proof = []finding.Proof{{Conn: 1, After: 5, Text: "HelloRequest"}}
	f.Finding.Mends = []finding.Mend{{On: finding.IIS, Do: "Set client certificates to Ignore.", Lines: "appcmd set config"}, {On: finding.Lunette, Do: "Allow it.", Lines: "origin:\n  x: y"}}
	f.Finding.Conn, f.Finding.Waited = 1, 3*time.Second
	f.Sample = &Sample{
		Facts: []fact.Fact{{Kind: fact.TCPConnected, At: noon, Conn: 1, Text: "10.0.0.1:443", Size: 1e6},
			{Kind: fact.TLSHandshakeDone, At: noon.Add(time.Second), Conn: 1, Text: "TLS_RSA"},
			{Kind: fact.TLSHelloRequest, At: noon.Add(2 * time.Second), Conn: 1, Side: fact.SideServer},
			{Kind: fact.ProxyProtocol, At: noon, Conn: 1, Text: "203.0.113.9"},
			{Kind: fact.RequestHead, At: noon, Conn: 1, Detail: &fact.HTTPHead{Method: "GET", Target: "/x?secretword", Fields: []fact.Field{{Name: "X-Forwarded-For", Value: "203.0.113.9"}, {Name: "Accept", Value: "kept"}}}}},
		Result:  &check.Result{Findings: []finding.Finding{*f.Finding}},
		Record:  []byte(`{"id":"01REQUEST","client":{"address":"203.0.113.9","peer":"203.0.113.9:1"},"request":{"query":"q=secretword","headers":[["Cookie","x"]]},"waf":{"a":"secretword"}}`),
		Packets: func(w io.Writer) error { _, err := w.Write(packets); return err },
		HAR: func(w io.Writer) error {
			_, err := io.WriteString(w, `{"log":{"entries":[{"request":{"url":"https://a/?secretword","headers":[{"name":"Forwarded","value":"for=203.0.113.9"}],"postData":{"text":"secretword"},"cookies":[{"name":"a","value":"secretword"}]},"response":{"content":{"size":1,"text":"secretword"}}}]}}`)
			return err
		},
		Method: "GET", URL: "https://a.test/x", Status: 502, Versions: map[string]string{"lunette": "1"},
	}
	return f
}

const withSecrets = "dsb_tls12_ecdhe_abnormal_ignored"

func document(f *Failure) *Document {
	return NewDocument(&store.Incident{ID: "01INCIDENT", Key: store.Key{Site: site, Origin: origin, Cause: "tls.hello_request_refused"}, Opened: noon, Last: noon, Count: 7, State: store.StateOngoing}, f, "1.0")
}

func written(t *testing.T, f *Failure) *Bundle {
	t.Helper()
	var tar bytes.Buffer
	if err := WriteBundle(&tar, document(f), f.Sample); err != nil {
		t.Fatal(err)
	}
	b, err := OpenBundle(&tar, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBundle writes a bundle and reads the same back.
func TestBundle(t *testing.T) {
	f := sampled(t, withSecrets)
	b := written(t, &f)
	got := b.Document.Finding
	if got == nil || got.Confidence != finding.Likely || got.Severity != finding.Critical || strings.Join(got.Lines(), "\n") != strings.Join(f.Finding.Lines(), "\n") {
		t.Errorf("%+v", got)
	}
	if len(b.Document.Facts) != 5 || b.Document.Facts[2].Kind != "hello_request" || len(b.Document.Others) != 0 || !bytes.Contains(b.Document.Record, []byte("01REQUEST")) {
		t.Errorf("%+v", b.Document)
	}
	if len(b.Packets) == 0 || len(b.HAR) == 0 || b.Document.Incident.Count != 7 {
		t.Errorf("%d %d %+v", len(b.Packets), len(b.HAR), b.Document.Incident)
	}
	f.Sample.Packets = func(io.Writer) error { return errors.New("no packets") }
	f.Sample.HAR = func(w io.Writer) error {
		_, err := w.Write(make([]byte, mostPart+1))
		return err
	}
	if b = written(t, &f); b.Packets != nil || b.HAR != nil || len(b.Document.Missing) != 2 || b.Document.Missing[0].Why != "no packets" {
		t.Errorf("%+v", b.Document.Missing)
	}
	for _, bad := range []string{"", "x", strings.Repeat("\x00", 1024), "age-encryption.org/v1\nx"} {
		if _, err := OpenBundle(strings.NewReader(bad), nil); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// TestReport is for people who do not know Lunette, and holds nothing of visitors.
func TestReport(t *testing.T) {
	f := sampled(t, withSecrets)
	f.Finding.Summary = "<script>alert(1)</script>\n# not a heading [x](http://evil) \\[click](http://evil.example/) <i> &lt; ~~a~~ _b_ www.evil.example jane@evil.example`x` no_renegotiation"
	report := string(written(t, &f).Report)
	for _, want := range []string{"# Requests for a.test fail at `https://o.test`", "7 failed requests", "server: asks for another handshake", "**IIS**: Set client certificates to Ignore.",
		"      appcmd set config", "The network way to your server works", "**HelloRequest**: a message by which", "status 502", " no_renegotiation", "made up around it"} {
		if !strings.Contains(report, want) {
			t.Errorf("lacks %q:\n%s", want, report)
		}
	}
	for _, bad := range []string{"203.0.113.9", "secretword", "<script", "<i>", "\n# not", " [x](", `\\[click`, " &lt; ", " ~~", " _b", " http:", " www.", " jane@"} {
		if strings.Contains(report, bad) {
			t.Errorf("holds %q:\n%s", bad, report)
		}
	}
}

// TestRedacted takes out what lets somebody read what visitors sent.
func TestRedacted(t *testing.T) {
	f := sampled(t, withSecrets)
	b := written(t, &f)
	r, err := b.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.Files()
	if err != nil || len(files) != 4 {
		t.Fatalf("%v %d", err, len(files))
	}
	for _, file := range files {
		for _, bad := range []string{"203.0.113.9", "secretword", "CLIENT_RANDOM", "RSA Session-ID"} {
			if bytes.Contains(file.Data, []byte(bad)) {
				t.Errorf("%s holds %q", file.Name, bad)
			}
		}
	}
	if before, after := blocks(t, b.Packets), blocks(t, r.Packets); before.secrets == 0 || after.secrets != 0 || after.packets != before.packets || after.packets == 0 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if doc, _ := json.Marshal(r.Document); !bytes.Contains(doc, []byte(`"kept"`)) {
		t.Errorf("more was masked than should be: %s", doc)
	}
	if !json.Valid(r.HAR) || !r.Document.Redacted || b.Document.Redacted {
		t.Error("not marked, or broken")
	}
	again, err := r.Redacted()
	if err != nil || !bytes.Equal(again.Packets, r.Packets) || !bytes.Equal(again.HAR, r.HAR) || !bytes.Equal(again.Report, r.Report) {
		t.Errorf("redacting twice changes more: %v", err)
	}
}

type counts struct{ secrets, packets int }

func blocks(t *testing.T, capture []byte) (n counts) {
	t.Helper()
	r, err := pcap.NewReader(bytes.NewReader(capture), pcap.Config{Secrets: func(pcap.SecretsType, []byte) { n.secrets++ }})
	if err != nil {
		t.Fatal(err)
	}
	for {
		var p pcap.Packet
		if err := r.Next(&p); errors.Is(err, io.EOF) {
			return n
		} else if err != nil {
			t.Fatal(err)
		}
		n.packets++
	}
}

// TestRedactedClear blanks what a connection in clear says.
func TestRedactedClear(t *testing.T) {
	n := 0
	defer func() {
		if n == 0 {
			t.Error("no capture in clear was looked at")
		}
	}()
	for _, c := range captures.All(t) {
		if !strings.HasPrefix(c.Name, "bad_21810") && !strings.Contains(c.Name, "plain") {
			continue
		}
		n++
		data, err := os.ReadFile(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		out, err := withoutSecrets(data)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("HTTP/1.1")) == bytes.Contains(out, []byte("HTTP/1.1")) || !bytes.Contains(out, []byte("xxxxxxxx")) {
			t.Errorf("%s: not blanked", c.Name)
		}
		if b, a := blocks(t, data), blocks(t, out); a.packets != b.packets {
			t.Errorf("%s: %d packets of %d", c.Name, a.packets, b.packets)
		}
	}
}

// TestEncrypted writes a sample to a recipient, and opens it with the right key alone.
func TestEncrypted(t *testing.T) {
	folder := t.TempDir()
	var right, wrong bytes.Buffer
	recipient, err := WriteKey(&right, noon)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := WriteKey(&wrong, noon); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := New(Config{Folder: folder}, s); err == nil {
		t.Error("samples would be plain without leave")
	}
	if _, err := New(Config{Folder: folder, Recipients: []string{"age1nonsense"}}, s); err == nil {
		t.Error("a bad recipient is taken")
	}
	k, err := New(Config{Folder: folder, Recipients: []string{recipient}}, s)
	if err != nil {
		t.Fatal(err)
	}
	f := sampled(t, withSecrets)
	k.Add(f)
	k.turn(t.Context())
	n := only(t, s)
	if len(n.Samples) != 1 || !n.Samples[0].Encrypted || !strings.HasSuffix(n.Samples[0].File, ".tar.age") {
		t.Fatalf("%+v", n.Samples)
	}
	path, _ := SamplePath(folder, n.Samples[0].File)
	data, err := os.ReadFile(path)
	if err != nil || int64(len(data)) != n.Samples[0].Size || bytes.Contains(data, []byte(DocumentFile)) {
		t.Fatalf("%v, or it is not encrypted", err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v", info.Mode())
	}
	for name, keys := range map[string][]age.Identity{"none": nil, "wrong": identities(t, &wrong)} {
		if _, err := OpenBundle(bytes.NewReader(data), keys); !errors.Is(err, ErrEncrypted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := OpenBundle(bytes.NewReader(data), identities(t, &right))
	if err != nil || b.Document.Sample.Request != "01REQUEST" {
		t.Errorf("%v", err)
	}
	if _, err := ReadIdentities(strings.NewReader("AGE-SECRET-KEY-1nonsense")); err == nil || strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v", err)
	}
}

func identities(t *testing.T, r io.Reader) []age.Identity {
	t.Helper()
	all, err := ReadIdentities(r)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSamplesKept keeps the oldest and the newest, removes the others' files, and sweeps leftovers but no foreign file.
func TestSamplesKept(t *testing.T) {
	folder := t.TempDir()
	s, err := store.Open(store.Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	k, err := New(Config{Folder: folder, Plain: true}, s)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		f := sampled(t, withSecrets)
		f.At = noon.Add(time.Duration(i) * time.Minute)
		k.Add(f)
		k.turn(t.Context())
	}
	n := only(t, s)
	if len(n.Samples) != 2 || !n.Samples[0].At.Equal(noon) || !n.Samples[1].At.Equal(noon.Add(3*time.Minute)) {
		t.Errorf("%+v", n.Samples)
	}
	names := func() (out []string) {
		all, _ := os.ReadDir(filepath.Join(folder, SamplesFolder))
		for _, e := range all {
			out = append(out, e.Name())
		}
		return out
	}
	if got := names(); len(got) != 2 {
		t.Errorf("%v", got)
	}
	for _, left := range []string{"01X-1.tar", temporary + "1", "mine.txt", "fresh.tar"} {
		path := filepath.Join(folder, SamplesFolder, left)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if old := time.Now().Add(-time.Hour); left != "fresh.tar" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	path, _ := SamplePath(folder, n.Samples[0].File)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Folder: folder, Plain: true}, s); err != nil {
		t.Fatal(err)
	}
	if got := names(); len(got) != 3 {
		t.Errorf("%v", got)
	}
	if n := only(t, s); len(n.Samples) != 1 {
		t.Errorf("%+v", n.Samples)
	}
	for _, name := range []string{"../x", "samples/../../x", "samples/", "samples/a/b", `samples/..\x`, "/etc/passwd", "samples/.x"} {
		if path, ok := SamplePath(folder, name); ok {
			t.Errorf("%q is %s", name, path)
		}
	}
}

// TestWireshark opens the packets of a bundle with tshark: they are decrypted, and redacted they are not.
func TestWireshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	f := sampled(t, withSecrets)
	b := written(t, &f)
	r, err := b.Redacted()
	if err != nil {
		t.Fatal(err)
	}
	read := func(data []byte) string {
		path := filepath.Join(t.TempDir(), PacketsFile)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), tshark, "-r", path, "-o", "tls.desegment_ssl_records:TRUE", "-V").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if out := read(b.Packets); !strings.Contains(out, "Handshake Protocol: Hello Request") || !strings.Contains(out, "GET /") {
		t.Error("tshark does not show the HelloRequest and the request")
	}
	if out := read(r.Packets); strings.Contains(out, "Handshake Protocol: Hello Request") || strings.Contains(out, "GET /") || !strings.Contains(out, "Transport Layer Security") {
		t.Error("tshark shows what should be closed, or nothing")
	}
}
