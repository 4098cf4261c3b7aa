package decrypt

import (
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

func conversationsOf(t testing.TB, c captures.Capture) []conversation {
	t.Helper()
	port, err := strconv.Atoi(c.Port)
	if err != nil {
		t.Fatal(err)
	}
	return readConversations(t, c.Path, port)
}

// Every capture opens under its secrets, whole.
func TestCapturesOpen(t *testing.T) {
	for _, c := range captures.All(t) {
		for _, key := range []bool{false, true} {
			if c.DSB || strings.HasPrefix(c.Name, "damaged") || !key && c.KeyLog == "" || key && !c.RSA {
				continue
			}
			t.Run(c.Name+map[bool]string{false: "/log", true: "/key"}[key], func(t *testing.T) {
				st := storeOf(t, c, key)
				for i, conv := range conversationsOf(t, c) {
					s, l := play(conv, st)
					info := s.Info()
					t.Logf("%d: %d records, %+v", i, len(conv), info)
					for _, f := range l.facts {
						t.Log(f.At.UnixMicro(), f.Side, f.Kind, f.Code, f.Size, f.Text)
					}
					if c.Name == "client_node_optional_nocert" { // Node logs the first handshake only
						if info.Why != WhyLaterHandshake || info.Closed != 4 || len(l.plain[fact.SideClient]) == 0 {
							t.Errorf("%d closed, %q", info.Closed, info.Why)
						}
						continue
					}
					if info.Closed > 0 || info.Why != WhyNot && info.Why != WhyNoHandshake {
						t.Errorf("connection %d: %d closed, %q", i, info.Closed, info.Why)
					}
				}
			})
		}
	}
}
