package cli

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/probe"
	"github.com/lunette-waf/lunette/internal/recording"
)

// TestGatewaySentence tells what fails through a gateway from what fails directly, and reads what the gateway says of it.
func TestGatewaySentence(t *testing.T) {
	answer := func(status int, fields ...string) []probe.Answer {
		h := http.Header{}
		for i := 0; i < len(fields); i += 2 {
			h.Set(fields[i], fields[i+1])
		}
		return []probe.Answer{{Status: status, Header: h}}
	}
	at := netip.MustParseAddrPort("192.0.2.7:443")
	lunette := answer(502, "Proxy-Status", `lunette; error=tls_certificate_error; details="cert.unknown_ca"`, "X-Request-Id", "01X")
	for name, c := range map[string]struct {
		direct, via probe.Outcome
		want        string // "" where the gateway does nothing wrong
	}{
		"well":                 {probe.Outcome{Answers: answer(200)}, probe.Outcome{Answers: answer(200)}, ""},
		"forbidden by both":    {probe.Outcome{Answers: answer(403)}, probe.Outcome{Answers: answer(403)}, ""},
		"forbidden by gateway": {probe.Outcome{Answers: answer(200)}, probe.Outcome{Answers: answer(403)}, "Directly GET / works; through the gateway at 192.0.2.7:443 it is answered with status 403. The gateway's own log"},
		"nobody there":         {probe.Outcome{Answers: answer(200)}, probe.Outcome{Err: errors.New("refused"), Phase: "answer"}, "Nothing of that is the origin's"},
		"Lunette's own":        {probe.Outcome{Answers: answer(200)}, probe.Outcome{Answers: lunette}, "Lunette's own: reason cert.unknown_ca, id 01X. The line"},
		"both fail":            {probe.Outcome{Err: errors.New("untrusted")}, probe.Outcome{Answers: lunette}, "Through the gateway at 192.0.2.7:443 GET / is answered with status 502. The answer is Lunette's own"},
		"another's":            {probe.Outcome{Answers: answer(200)}, probe.Outcome{Answers: answer(504, "Proxy-Status", "edge; error=connection_timeout")}, "It says edge; error=connection_timeout; the gateway's log"},
	} {
		c.direct.Purpose, c.direct.Path, c.via.Path, c.via.Via, c.via.Addr = "plain", "/", "/", true, at
		for _, o := range []*probe.Outcome{&c.direct, &c.via} {
			o.Recording, o.Alert = &recording.Recording{}, -1
		}
		e := &examination{report: &probe.Report{Tries: []*probe.Outcome{&c.direct, &c.via}}}
		if e.gatewayFails() == nil {
			if c.want != "" {
				t.Errorf("%s: nothing fails", name)
			}
			continue
		}
		if got := e.gatewaySentence(); c.want == "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s\nwant %s", name, got, c.want)
		}
	}
}
