package tlswire_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/peer"
)

// TestNamesAreWiresharks compares every name that tshark knows too.
func TestNamesAreWiresharks(t *testing.T) {
	out, err := exec.Command(peer.Need(t, "tshark", "tshark"), "-G", "values").Output()
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]func(uint16) string{"tls.handshake.extension.type": tlswire.ExtensionName, "tls.handshake.sig_hash_alg": tlswire.SchemeName,
		"tls.handshake.extensions_supported_group": tlswire.GroupName, "tls.handshake.ciphersuite": tlswire.SuiteName}
	other := map[string]string{ // here the registry, or the number's later owner, has it otherwise
		"delegated_credentials": "delegated_credential", "connection_id (deprecated)": "connection_id_deprecated",
		"quic_transport_parameters (drafts version)": "quic_transport_parameters",
		"frodo640aes": "MLKEM512", "frodo640shake": "MLKEM768", "frodo976aes": "MLKEM1024",
	}
	compared := map[string]int{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) < 4 || f[0] != "V" || ours[f[1]] == nil {
			continue
		}
		n, err := strconv.ParseUint(f[2], 0, 16)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got, want := ours[f[1]](uint16(n)), f[3]
		if w, is := other[want]; is {
			want = w
		}
		if strings.HasPrefix(want, "Reserved (GREASE)") {
			want = "GREASE"
		}
		if strings.HasPrefix(got, "0x") {
			continue // not in our tables: experiments
		}
		if compared[f[1]]++; got != want {
			t.Errorf("%s %#x: got %s, tshark has %s", f[1], n, got, want)
		}
	}
	if compared["tls.handshake.extension.type"] < 60 || compared["tls.handshake.sig_hash_alg"] < 17 || compared["tls.handshake.extensions_supported_group"] < 40 ||
		compared["tls.handshake.ciphersuite"] < 340 {
		t.Errorf("compared only %v", compared)
	}
}
