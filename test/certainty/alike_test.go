package certainty

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/test/checktest"
)

// TestLookAlikes runs all checks on connections that look like a fault and are none. A case is written as in package checktest; a line that
// begins with @ stands for several, see shorthand. "# may: CODE…" names what may be found above info, "# not: CODE…" what must not be
// found at all; nothing else may be above info.
func TestLookAlikes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no look-alikes: ", err)
	}
	for _, name := range files {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			t.Run(f.Name, func(t *testing.T) { alike(t, string(f.Data)) })
		}
	}
}

func alike(t *testing.T, text string) {
	may, not := listed(text, "# may:"), listed(text, "# not:")
	c, err := checktest.Parse(shorthand(t, text))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range diagnosis.Run(c).Findings {
		for _, code := range append([]finding.Code{x.Code}, x.Hides...) {
			if slices.Contains(not, code) {
				t.Errorf("%s is found, and must not be:\n%s", code, words(&x))
			}
		}
		if x.Severity > finding.Info && !slices.Contains(may, x.Code) {
			t.Errorf("nothing is wrong, but:\n%s", words(&x))
		}
	}
}

func listed(text, label string) (out []finding.Code) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, label); ok {
			for _, w := range strings.Fields(rest) {
				out = append(out, finding.Code(w))
			}
		}
	}
	return out
}

// shorthand writes lines with @ in full:
//
//	@capture plain|tls12|tls13|sealed12|sealed13   a connection to 192.0.2.20:443 in a capture, up to the end of the handshake
//	@live plain|tls12|tls13                        as the gateway tells of it
//	@other …                                       another connection, as one of these
//	SECONDS @ask METHOD TARGET [open] [Name:value …]      a request; open: its body goes on
//	SECONDS @answer STATUS LENGTH [open] [Name:value …]   an answer; open: its body goes on; LENGTH -1: not announced
func shorthand(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		w := strings.Fields(line)
		switch {
		case len(w) > 1 && strings.HasPrefix(w[0], "@"):
			n++
			protocol := "http/1.1"
			if strings.Contains(text, "http2_preface") {
				protocol = "h2"
			}
			begin(&b, w, n, protocol)
		case len(w) > 3 && w[1] == "@ask":
			fmt.Fprintf(&b, "%s client request_head detail=%s\n", w[0], head(fmt.Sprintf(`"method":%q,"target":%q,"authority":"shop.test","length":-1`, w[2], w[3]), w[4:]))
			if !slices.Contains(w, "open") {
				fmt.Fprintf(&b, "%s client request_done\n", w[0])
			}
		case len(w) > 3 && w[1] == "@answer":
			fmt.Fprintf(&b, "%s server first_byte\n%s server response_head code=%s detail=%s\n", w[0], w[0], w[2], head(fmt.Sprintf(`"status":%s,"length":%s`, w[2], w[3]), w[4:]))
			if !slices.Contains(w, "open") {
				fmt.Fprintf(&b, "%s server response_done size=%s\n", w[0], strings.TrimPrefix(w[3], "-"))
			}
		default:
			b.WriteString(line)
		}
	}
	return b.String()
}

func head(rest string, fields []string) string {
	var all []string
	for _, f := range fields {
		if name, value, ok := strings.Cut(f, ":"); ok {
			all = append(all, fmt.Sprintf(`{"name":%q,"value":%q}`, name, strings.ReplaceAll(value, "_", " ")))
		}
	}
	return `{"proto":"HTTP/1.1",` + rest + `,"fields":[` + strings.Join(all, ",") + `]}`
}

// begin writes the beginning of a connection.
func begin(b *strings.Builder, w []string, n int, protocol string) {
	word := "flow"
	if w[0] == "@other" {
		word, w = "other", w[1:]
		w[0] = "@" + w[0]
	}
	kind, watched, ours := w[1], "packets,records,plain", ""
	if w[0] == "@live" {
		watched, ours = "records,plain", " ours"
	}
	if strings.HasPrefix(kind, "sealed") {
		watched = "packets,records"
	}
	fmt.Fprintf(b, "%s %d 192.0.2.10:%d > 192.0.2.20:443 watched=%s name=shop.test%s\n", word, n, 50000+n, watched, ours)
	if w[0] == "@capture" {
		b.WriteString("0 client tcp_syn\n0.01 server tcp_syn_ack\n")
	}
	b.WriteString("0.0101 client tcp_connected text=192.0.2.20:443 size=10ms\n")
	version, suite := "772", "TLS_AES_128_GCM_SHA256"
	if strings.HasSuffix(kind, "12") {
		version, suite = "771", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
	}
	if kind == "plain" {
		return
	}
	const chain = `{"chain":[{"subject":"CN=shop.test","issuer":"CN=Shop CA","serial":"01","not_before":"2026-01-01T00:00:00Z","not_after":"2027-12-01T00:00:00Z","names":["shop.test"],"key":"RSA 2048","signature":"SHA256-RSA","ca":false,"ext_key_usage":["server_auth"],"sha256":"aa"}]}`
	b.WriteString(`0.0103 client client_hello size=508 detail={"version":"TLS 1.2","versions":["TLS 1.3","TLS 1.2"],"random":"0df0","sni":"shop.test","alpn":["h2","http/1.1"],"cipher_suites":["TLS_AES_128_GCM_SHA256","TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"],"groups":["x25519","secp256r1","secp384r1"],"secure_renegotiation":true,"extended_master_secret":true,"encrypt_then_mac":false,"session_ticket":true}` + "\n")
	fmt.Fprintf(b, "0.0207 server server_hello code=%s text=%s detail={\"version\":\"TLS 1.%c\",\"random\":\"aa\",\"cipher_suite\":%q,\"group\":\"x25519\",\"secure_renegotiation\":true,\"extended_master_secret\":true,\"encrypt_then_mac\":false,\"session_ticket\":false}\n", version, suite, map[string]byte{"771": '2', "772": '3'}[version], suite)
	if kind == "sealed13" {
		b.WriteString("0.0207 server application_data code=4 size=3300\n0.0211 - undecryptable text=no_secrets\n0.0211 client application_data code=1 size=53\n")
		return
	}
	if kind == "tls13" {
		b.WriteString("0.0207 server encrypted_extensions detail={\"secure_renegotiation\":false,\"extended_master_secret\":false,\"encrypt_then_mac\":false,\"session_ticket\":false,\"alpn\":\"" + protocol + "\"}\n")
	}
	b.WriteString("0.0207 server certificate size=1 text=CN=shop.test detail=" + chain + "\n")
	if w[0] == "@live" {
		b.WriteString("0.0210 client verified text=ok\n")
	}
	fmt.Fprintf(b, "0.0211 client finished\n0.0300 server finished\n0.0301 - handshake_done code=%s text=%s\n", version, suite)
}
