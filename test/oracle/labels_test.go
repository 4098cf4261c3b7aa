package oracle_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/recorded"
)

// TestLabels opens one connection with each way in which a key log of TLS 1.2 and below can write its secret.
func TestLabels(t *testing.T) {
	t.Parallel()
	c := captures.Find(t, "founding_02_abnormal_via_waf_504_tls10_rsa")
	k := keysOf(t, &c)
	pre, err := tlscrypt.DecryptPreMaster(captures.RSAKey(t), k.encrypted)
	if err != nil {
		t.Fatal(err)
	}
	master := tlscrypt.MasterSecret(tlswire.VersionTLS10, "", pre, k.client, k.server)
	for _, line := range []string{
		fmt.Sprintf("RSA %x %x", k.encrypted[:8], pre),
		fmt.Sprintf("PMS_CLIENT_RANDOM %x %x", k.client, pre),
		fmt.Sprintf("CLIENT_RANDOM %x %x", k.client, master),
		fmt.Sprintf("RSA Session-ID:%X Master-Key:%X", k.session, master),
	} {
		label, _, _ := strings.Cut(line, " ")
		t.Run(label, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(path, []byte(line+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			store := secrets.New()
			addLog(t, store, path)
			flows, _ := lunette(t, file(t, c.Path), store)
			var theirs []*stream
			for _, s := range tshark(t, c.Path, 4, []string{c.Port}, "-o", "tls.keylog_file:"+path) {
				theirs = append(theirs, s)
			}
			for _, d := range differences(flows, theirs) {
				t.Error(d)
			}
			if len(flows) != 1 || len(flows[0].sent[fact.SideClient]) == 0 {
				t.Errorf("%d connections, or nothing opened", len(flows))
			}
		})
	}
}

// exchanged is what a handshake says in clear that secrets are named by.
type exchanged struct{ client, server, session, encrypted []byte }

// keysOf takes it from a capture of one TLS connection.
func keysOf(t *testing.T, c *captures.Capture) (k exchanged) {
	t.Helper()
	all, _ := recorded.Read(t, c.Path)
	for _, one := range all {
		for _, p := range one.Pieces {
			if fmt.Sprint(one.Port) != c.Port || p.Record.Type != tlswire.TypeHandshake {
				continue
			}
			var scan tlswire.MessageScanner
			scan.Feed(p.Record.Payload, func(m tlswire.Message) {
				switch m.Type {
				case tlswire.MsgClientHello:
					k.client = append([]byte(nil), m.Body[2:34]...)
				case tlswire.MsgServerHello:
					k.server = append([]byte(nil), m.Body[2:34]...)
					k.session = append([]byte(nil), m.Body[35:35+m.Body[34]]...)
				case tlswire.MsgClientKeyExchange:
					k.encrypted = append([]byte(nil), m.Body[2:]...)
				}
			})
		}
	}
	if k.client == nil || k.server == nil || k.encrypted == nil {
		t.Fatalf("%s: a message is missing", c.Name)
	}
	return k
}
