package explain

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// TestDocumented holds docs/formats/explain.md to the struct tags, both ways, and to the kinds of fact.
func TestDocumented(t *testing.T) {
	data, err := os.ReadFile("../../../docs/formats/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]map[string]string{} // heading → field → meaning
	heading := ""
	for line := range strings.Lines(string(data)) {
		if title, ok := strings.CutPrefix(line, "#"); ok {
			heading = strings.TrimSpace(strings.TrimLeft(title, "#"))
			sections[heading] = map[string]string{}
		} else if cell, ok := strings.CutPrefix(line, "| `"); ok {
			name, meaning, _ := strings.Cut(cell, "`")
			sections[heading][name] = meaning
		}
	}
	for heading, v := range map[string]any{
		"lunette": jsonFormat{}, "files": jsonFile{}, "damage": jsonDamage{}, "secrets": jsonSecrets{}, "totals": jsonTotals{}, "flows": jsonFlow{}, "findings": finding.Finding{}, "proof": finding.Proof{}, "timers": finding.Timer{}, "mends": finding.Mend{}, "lacking": jsonLack{}, "sides": jsonSides{}, "closed": jsonClosed{},
		"tls": jsonTLS{}, "events": jsonEvent{}, "http": jsonHTTP{}, "request and response": jsonMessage{}, "headers": fact.Field{}, "timing": jsonTiming{}, "websocket": jsonWebSocket{},
		"comparison": jsonComparison{}, "compared": jsonTold{}, "difference": difference{}, "lines": jsonLine{}, "point": jsonPoint{},
		"tcp_options": fact.TCPOptions{}, "client_hello": fact.ClientHello{}, "server_hello": fact.ServerHello{}, "certificates": fact.Certificates{}, "certificate": fact.Certificate{},
		"certificate_request": fact.CertificateRequest{}, "key_exchange": fact.KeyExchange{}, "session_ticket": fact.SessionTicket{}, "http_head": fact.HTTPHead{}, "http2_frame": fact.HTTP2Frame{},
	} {
		told := sections[heading]
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			meaning, ok := told[name]
			if optional := strings.Contains(meaning, "*optional*"); !ok || optional != (options == "omitempty") {
				t.Errorf("%s.%s: documented %t, as optional %t", heading, name, ok, optional)
			}
			delete(told, name)
		}
		for name := range told {
			t.Errorf("%s.%s is documented and does not exist", heading, name)
		}
	}
	kinds := sections["Kinds of events"]
	for k := fact.None + 1; k.String() != "unknown"; k++ {
		if _, ok := kinds[k.String()]; !ok {
			t.Errorf("the kind %s is not documented", k)
		}
		delete(kinds, k.String())
	}
	if len(kinds) > 0 {
		t.Errorf("kinds that do not exist: %v", kinds)
	}
}
