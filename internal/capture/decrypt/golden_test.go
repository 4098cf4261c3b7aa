package decrypt

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/test/captures"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What a dozen captures tell, fact by fact.
func TestGolden(t *testing.T) {
	for _, name := range []string{
		"founding_01_normal_direct_tls10_rsa", "founding_02_abnormal_via_waf_504_tls10_rsa", "tls12_ecdhe_aes128gcm_modern__normal_cert",
		"tls12_ecdhe_aes128gcm_modern__abnormal_refused", "tls10_dhe_aes128cbcsha_modern__normal", "dec_java_sslv3_rc4_reneg",
		"dec_tls13_hrr_p384", "dec_tls13_keyupdate", "dec_tls13_psk_resumption_0rtt", "client_pha_curl", "client_ss_RR_curl",
		"client_node_optional_nocert", "damaged_gcm_lost_server_record", "damaged_tls10cbc_lost_server_record", "damaged_gcm_no_cke",
		"bad_21824_mtls_required_tls13",
	} {
		t.Run(name, func(t *testing.T) {
			c := captures.Find(t, name)
			var b strings.Builder
			st := storeOf(t, c, c.KeyLog == "")
			for i, conv := range conversationsOf(t, c) {
				_, l := play(conv, st)
				fmt.Fprintf(&b, "connection %d\n", i+1)
				for _, f := range l.facts {
					fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("%4d %-6s %s %d %d %s", f.Frame, f.Side, f.Kind, f.Code, f.Size, f.Text), " "))
				}
				fmt.Fprintf(&b, "client sent %d bytes, server %d, lacking %v, early %d\n", len(l.plain[1]), len(l.plain[2]), l.missing[1:], len(l.early))
			}
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.MkdirAll("testdata", 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s", b.String(), want)
			}
		})
	}
}
