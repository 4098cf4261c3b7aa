package secrets

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/lunette-waf/lunette/test/captures"
)

// Hex digits of tests: a client random, an encrypted pre-master secret's start, and secrets of 48 and 32 bytes.
var (
	random  = strings.Repeat("a1", 32)
	start   = "0102030405060708"
	long    = strings.Repeat("5E", 48)
	short   = strings.Repeat("7f", 32)
	another = strings.Repeat("11", 48)
)

func raw(t testing.TB, digits string) []byte {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func load(t testing.TB, text string) (*Store, Report) {
	t.Helper()
	s := New()
	report, err := s.AddKeyLog("keys.txt", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s, report
}

func TestKeyLogLabels(t *testing.T) {
	for _, c := range []struct {
		line string
		want string
		get  func(s *Store) []byte
	}{
		{"CLIENT_RANDOM " + random + " " + long, long, func(s *Store) []byte { return s.Master(raw(t, random)) }},
		{"CLIENT_RANDOM  " + strings.ToUpper(random) + "\t" + long + " ", long, func(s *Store) []byte { return s.Master(raw(t, random)) }},
		{"PMS_CLIENT_RANDOM " + random + " " + short, short, func(s *Store) []byte { return s.PreMaster(raw(t, random)) }},
		{"PMS_CLIENT_RANDOM " + random + " " + strings.Repeat("ab", 1024), strings.Repeat("ab", 1024), func(s *Store) []byte { return s.PreMaster(raw(t, random)) }},
		{"RSA " + start + " " + long, long, func(s *Store) []byte { return s.PreMasterOf(raw(t, start+"0000")) }},
		{"RSA Session-ID:ab01 Master-Key:" + long, long, func(s *Store) []byte { return s.MasterOfSession(raw(t, "ab01")) }},
		{"CLIENT_EARLY_TRAFFIC_SECRET " + random + " " + short, short, func(s *Store) []byte { return s.Traffic(ClientEarlyTraffic, raw(t, random)) }},
		{"CLIENT_HANDSHAKE_TRAFFIC_SECRET " + random + " " + short, short, func(s *Store) []byte { return s.Traffic(ClientHandshakeTraffic, raw(t, random)) }},
		{"SERVER_HANDSHAKE_TRAFFIC_SECRET " + random + " " + long, long, func(s *Store) []byte { return s.Traffic(ServerHandshakeTraffic, raw(t, random)) }},
		{"CLIENT_TRAFFIC_SECRET_0 " + random + " " + short, short, func(s *Store) []byte { return s.Traffic(ClientTraffic, raw(t, random)) }},
		{"SERVER_TRAFFIC_SECRET_0 " + random + " " + long, long, func(s *Store) []byte { return s.Traffic(ServerTraffic, raw(t, random)) }},
		{"EXPORTER_SECRET " + random + " " + short, short, func(s *Store) []byte { return s.Traffic(Exporter, raw(t, random)) }},
		{"EARLY_EXPORTER_SECRET " + random + " " + short, short, func(s *Store) []byte { return s.Traffic(EarlyExporter, raw(t, random)) }},
	} {
		s, report := load(t, "# a comment\r\n\r\n"+c.line+"\r\n"+c.line)
		if got := c.get(s); !bytes.Equal(got, raw(t, c.want)) {
			t.Errorf("%s: got %x", c.line, got)
		}
		if report.Secrets != 1 || report.Duplicate != 1 || report.Lines != 4 || report.Faults != nil {
			t.Errorf("%s: %+v", c.line, report)
		}
		if s.Empty() || s.Generation() != 1 {
			t.Errorf("%s: empty %v, generation %d", c.line, s.Empty(), s.Generation())
		}
	}
}

func TestKeyLogUnused(t *testing.T) {
	_, report := load(t, "CLIENT_TRAFFIC_SECRET_1 "+random+" "+short+"\nSERVER_TRAFFIC_SECRET_22 x\nCLIENT_TRAFFIC_SECRET_N x\nECH_SECRET "+random+" "+short+"\nECH_CONFIG "+random+" 00\n")
	if report.Unused != 5 || report.Secrets != 0 || report.Faults != nil {
		t.Errorf("%+v", report)
	}
}

func TestKeyLogFaults(t *testing.T) {
	good := "CLIENT_RANDOM " + random + " " + long + "\n"
	for line, want := range map[string]string{
		"CLIENT_RANDOM " + random + " " + long[:90]: "keys.txt:2: CLIENT_RANDOM wants 64 and 96 hex digits, got 64 and 90",
		"CLIENT_RANDOM": "keys.txt:2: CLIENT_RANDOM wants 64 and 96 hex digits, got 0 and 0",
		"CLIENT_RANDOM " + random + " " + long + " " + long:                "keys.txt:2: CLIENT_RANDOM wants 64 and 96 hex digits, got 64 and 193",
		"CLIENT_RANDOM " + random[:63] + "g " + long:                       "keys.txt:2: CLIENT_RANDOM wants hex digits, got something else in the first number",
		"CLIENT_RANDOM " + random + " " + long[:95] + "g":                  "keys.txt:2: CLIENT_RANDOM wants hex digits, got something else in the second number",
		"CLIENT_RANDOM " + random + " " + another:                          "keys.txt:2: CLIENT_RANDOM contradicts an earlier line, which counts",
		"CLIENT_TRAFFIC_SECRET_0 " + random + " " + long[:80]:              "keys.txt:2: CLIENT_TRAFFIC_SECRET_0 wants 64 and 64 or 96 hex digits, got 64 and 80",
		"RSA " + start + " " + long[:94]:                                   "keys.txt:2: RSA wants 16 and 96 hex digits, got 16 and 94",
		"RSA Session-ID:" + random + "00 Master-Key:" + long:               "keys.txt:2: Session-ID and Master-Key want 2 to 64 and 96 hex digits, got 66 and 96",
		"RSA Session-ID: Master-Key:" + long:                               "keys.txt:2: Session-ID and Master-Key want 2 to 64 and 96 hex digits, got 0 and 96",
		"PMS_CLIENT_RANDOM " + random + " abc":                             "keys.txt:2: PMS_CLIENT_RANDOM wants 64 and 2 to 2048 hex digits, got 64 and 3",
		"SERVER_RANDOM_OF_TOMORROW " + random:                              "keys.txt:2: no label of key logs is called SERVER_RANDOM_OF_TOMORROW",
		long + " " + random:                                                "keys.txt:2: not a line of a key log: those begin with a label such as CLIENT_RANDOM",
		"\x1b[31m " + random:                                               "keys.txt:2: not a line of a key log: those begin with a label such as CLIENT_RANDOM",
		"CLIENT_RANDOM " + strings.Repeat("a", maxLine) + "\n# after this": "keys.txt:2: the line is longer than 8192 bytes",
		"CLIENT_TRAFFIC_SECRET_ " + random + " " + short:                   "keys.txt:2: no label of key logs is called CLIENT_TRAFFIC_SECRET_",
	} {
		s, report := load(t, good+line+"\n"+good)
		if len(report.Faults) != 1 || report.Faults[0] != want {
			t.Errorf("%.60q: got %q, want %q", line, report.Faults, want)
		}
		if report.Secrets != 1 || report.Duplicate != 1 || !bytes.Equal(s.Master(raw(t, random)), raw(t, long)) {
			t.Errorf("%.60q: %+v: the good line does not count", line, report)
		}
	}
}

func TestKeyLogKeepsTwentyFaults(t *testing.T) {
	_, report := load(t, strings.Repeat("CLIENT_RANDOM 00 00\n", 50))
	if len(report.Faults) != maxFaults || report.More != 30 {
		t.Errorf("%d faults, %d more", len(report.Faults), report.More)
	}
}

func TestKeyLogEncodings(t *testing.T) {
	text := "# made on Windows\r\nCLIENT_RANDOM " + random + " " + long + "\r\n"
	wide := func(high, low int, mark bool) string {
		var b []byte
		if mark {
			b = append(b, 0, 0)
			b[high], b[low] = 0xfe, 0xff
		}
		for _, u := range utf16.Encode([]rune(strings.ReplaceAll(text, "made", "gemäß 漢字"))) {
			b = append(b, 0, 0)
			b[len(b)-2+high], b[len(b)-2+low] = byte(u>>8), byte(u)
		}
		return string(b)
	}
	for name, data := range map[string]string{
		"UTF-8": text, "UTF-8 with mark": "\xef\xbb\xbf" + text,
		"UTF-16LE": wide(1, 0, true), "UTF-16BE": wide(0, 1, true), "UTF-16LE without mark": wide(1, 0, false), "UTF-16BE without mark": wide(0, 1, false),
		"half a character at the end": wide(1, 0, true) + "C",
	} {
		s := New()
		report, err := s.AddKeyLog("keys.txt", iotest.HalfReader(strings.NewReader(data)))
		if err != nil || report.Secrets != 1 || report.Lines != 2 || report.Faults != nil || s.Master(raw(t, random)) == nil {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
	}
}

// TestKeyLogOfClient reads what openssl s_client prints of a session.
func TestKeyLogOfClient(t *testing.T) {
	const head = "CONNECTED(00000003)\n---\nCertificate chain\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
	dump := "SSL-Session:\n    Protocol  : TLSv1.2\n    Cipher    : AES128-SHA\n    Session-ID: AB01\n    Session-ID-ctx: \n    Master-Key: " + long + "\n    PSK identity: None\n---\n"
	s, report := load(t, head+dump)
	if report.Secrets != 1 || report.Faults != nil || !bytes.Equal(s.MasterOfSession(raw(t, "ab01")), raw(t, long)) {
		t.Errorf("%+v", report)
	}
	_, err := New().AddKeyLog("keys.txt", strings.NewReader("SSL-Session:\n    Protocol  : TLSv1.3\n    Session-ID: AB01\n    Resumption PSK: "+long+"\n"))
	if err == nil || !strings.Contains(err.Error(), "-keylogfile") {
		t.Error(err)
	}
}

func TestNotAKeyLog(t *testing.T) {
	for data, want := range map[string]string{
		"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a":                 "a packet capture (pcapng): give it as FILE, without a flag",
		"\xd4\xc3\xb2\xa1\x02\x00\x04\x00":                                 "a packet capture (pcap): give it as FILE, without a flag",
		"\x1f\x8b\x08\x00":                                                 "a gzip file: unpack it first",
		"-----BEGIN RSA PRIVATE KEY-----\nMII":                             "a private key (PEM): give it with --key",
		"Bag Attributes\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n":          "a private key (PEM): give it with --key",
		"\x30\x82\x04\xa4\x02\x01\x00\x02\x82":                             "(DER): if it holds the server's RSA key, give it with --key",
		"\xfe\xed\xfe\xed\x00\x00\x00\x02":                                 "a Java key store (JKS): convert it with keytool",
		"-----BEGIN CERTIFICATE-----\n":                                    "a certificate",
		"PuTTY-User-Key-File-3: ssh-rsa\n":                                 "a key of PuTTY",
		"hello\nworld\n":                                                   "nothing in it looks like one: a key log has lines such as CLIENT_RANDOM",
		strings.Repeat("x", 3*maxLine):                                     "nothing in it looks like one",
		"\xff\xfe" + "-\x00-\x00-\x00 \x00P\x00":                           "nothing in it looks like one",
		"SSLKEYLOGFILE=/tmp/keys\n" + strings.Repeat("# comment\n", 10000): "nothing in it looks like one",
	} {
		report, err := New().AddKeyLog("f", strings.NewReader(data))
		var format *FormatError
		if !errors.As(err, &format) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "read key log f: ") {
			t.Errorf("%.30q: %v, want %q; %+v", data, err, want, report)
		}
	}
}

func TestKeyLogWithoutSecrets(t *testing.T) {
	for _, text := range []string{"", "\n", "# SSL/TLS secrets log file, generated by NSS\n"} {
		s, report := load(t, text)
		if report.Secrets != 0 || !s.Empty() || s.Generation() != 0 {
			t.Errorf("%q: %+v", text, report)
		}
	}
}

func TestKeyLogSourceFails(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, before := range []string{"", "CLIENT_RANDOM " + random + " " + long + "\n"} {
		_, err := New().AddKeyLog("keys.txt", io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", len(before), err)
		}
	}
}

func TestStoreIsBounded(t *testing.T) {
	s := New()
	s.limit = 3
	var text strings.Builder
	for i := range 5 {
		text.WriteString("CLIENT_RANDOM " + strings.Repeat(hex.EncodeToString([]byte{byte(i)}), 32) + " " + long + "\n")
	}
	report, err := s.AddKeyLog("keys.txt", strings.NewReader(text.String()))
	if err == nil || report.Secrets != 3 || !strings.Contains(err.Error(), "keys.txt, line 4: more than 3 secrets") {
		t.Errorf("%+v, %v", report, err)
	}
}

// TestRecordedKeyLogs reads the key logs of the recorded connections: every line is good.
func TestRecordedKeyLogs(t *testing.T) {
	n := 0
	for _, c := range captures.All(t) {
		if c.KeyLog == "" {
			continue
		}
		f, err := os.Open(c.KeyLog)
		if err != nil {
			t.Fatal(err)
		}
		report, err := New().AddKeyLog(c.KeyLog, f)
		f.Close()
		if err != nil || report.Secrets == 0 || report.Faults != nil {
			t.Errorf("%s: %+v, %v", c.Name, report, err)
		}
		n++
	}
	if n < 50 {
		t.Errorf("only %d key logs", n)
	}
}

// TestSplitKeyLog reads a key log in pieces of every size: the same comes out.
func TestSplitKeyLog(t *testing.T) {
	text := "# x\r\n\r\nCLIENT_RANDOM " + random + " " + long + "\nCLIENT_RANDOM 00 00\n" + strings.Repeat("y", maxLine+9) + "\nRSA " + start + " " + long
	_, want := load(t, text)
	for size := 1; size < 200; size += 7 {
		s := New()
		got, err := s.AddKeyLog("keys.txt", &pieces{[]byte(text), size})
		if err != nil || got.Secrets != want.Secrets || got.Lines != want.Lines || strings.Join(got.Faults, "\n") != strings.Join(want.Faults, "\n") {
			t.Fatalf("pieces of %d bytes: %+v, %v; want %+v", size, got, err, want)
		}
	}
}

// pieces gives data in pieces of a size.
type pieces struct {
	data []byte
	size int
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(to[:min(len(to), p.size)], p.data)
	p.data = p.data[n:]
	return n, nil
}

// endless repeats a text for ever.
type endless string

func (e endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

// A source without an end is not read for ever when it holds nothing of a key log.
func TestAddKeyLogEndless(t *testing.T) {
	for _, text := range []endless{"\x00", "x", "x\n", "\n", "# comment\n"} {
		st := New()
		report, err := st.AddKeyLog("endless", text)
		if err == nil && report.Secrets > 0 || err == nil && text[0] != '\n' && text[0] != '#' {
			t.Errorf("%q: %+v", string(text), report)
		}
	}
}

// A file that is no key log says so in few lines.
func TestNoKeyLogHasFewFaults(t *testing.T) {
	report, err := New().AddKeyLog("a.txt", strings.NewReader(strings.Repeat("just a text\n", 50)))
	var format *FormatError
	if !errors.As(err, &format) || len(report.Faults) != 3 || report.More != 47 {
		t.Errorf("%d faults, %d more: %v", len(report.Faults), report.More, err)
	}
}
