package findings

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/originlog"
	"github.com/lunette-waf/lunette/test/captures"
)

// The founding incident, of which the capture lacks the end: the origin's log proves it, or speaks against it.
func TestOriginLog(t *testing.T) {
	const name = "founding_02_abnormal_via_waf_504_tls10_rsa"
	const fields = "#Software: Microsoft HTTP API 2.0\n#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid s-reason s-queuename\n"
	at := func(r *analysis.Report, after time.Duration, port int, reason string) string {
		return fmt.Sprintf("%s 127.0.0.1 %d 127.0.0.1 21700 HTTP/1.1 GET /app/login.aspx - 1 %s DefaultAppPool\n",
			r.Flows[1].Start.Time().Add(after).UTC().Format("2006-01-02 15:04:05"), port, reason)
	}
	for _, c := range []struct {
		what   string
		frames int // of the capture; 0: all
		log    func(r *analysis.Report) string
		want   string
	}{
		{"nothing known of the end", 17, func(*analysis.Report) string { return "" }, ""},
		{"the log proves it", 17, func(r *analysis.Report) string { return at(r, 2*time.Minute, 47476, "Timer_SslRenegotiation") }, "tls.hello_request_ignored certain"},
		{"the HelloRequest is lacking, too", 15, func(r *analysis.Report) string { return at(r, 2*time.Minute, 47476, "Timer_SslRenegotiation") }, "tls.hello_request_ignored certain"},
		{"about another connection", 17, func(r *analysis.Report) string { return at(r, 2*time.Minute, 47477, "Timer_SslRenegotiation") }, ""},
		{"of yesterday", 17, func(r *analysis.Report) string { return at(r, -24*time.Hour, 47476, "Timer_SslRenegotiation") }, ""},
		{"the log names another timer", 0, func(r *analysis.Report) string { return at(r, 30*time.Second, 47476, "Timer_AppPool") }, "tls.hello_request_ignored possible"},
		{"the whole capture, no log", 0, func(*analysis.Report) string { return "" }, "tls.hello_request_ignored certain"},
	} {
		t.Run(c.what, func(t *testing.T) {
			cfg := analysis.Config{Inputs: []analysis.Input{first(t, name, c.frames)}, Secrets: secrets.New()}
			report, err := analysis.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if log := c.log(report); log != "" {
				entries, _, err := originlog.Read(strings.NewReader(fields+log), "httperr1.log", originlog.Config{})
				if err != nil {
					t.Fatal(err)
				}
				report.AddOriginLog(entries)
			}
			results, err := report.Diagnose(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			got := worst(results[1:2])
			if got != c.want {
				t.Errorf("finding %q, want %q", got, c.want)
			}
		})
	}
}

// first is a capture up to a number of frames.
func first(t *testing.T, name string, frames int) analysis.Input {
	t.Helper()
	for _, c := range captures.All(t) {
		if c.Name != name {
			continue
		}
		data, err := os.ReadFile(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		const header, record = 24, 16
		end := header
		for n := 0; n < frames || frames == 0 && end < len(data); n++ {
			end += record + int(binary.LittleEndian.Uint32(data[end+8:]))
		}
		return analysis.Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data[:end])), nil }}
	}
	t.Fatalf("no capture is called %q", name)
	return analysis.Input{}
}
