package telemetry

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

func recorder(t *testing.T) *Recorder {
	t.Helper()
	r, err := New(Config{Output: new(discard), Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(t.Context()); err != nil {
			t.Log(err)
		}
	})
	return r
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("scrape: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

type pools []PoolStat

func (p pools) PoolStats() []PoolStat { return p }

func TestMetrics(t *testing.T) {
	r := recorder(t)
	r.Record(full())
	r.Record(ordinary())
	r.Record(ordinary())
	fresh := ordinary()
	fresh.Attempts[0].Reused, fresh.Site, fresh.Answer.Status = false, "", 599
	r.Record(fresh)
	m := r.Metrics()
	m.ConnOpened("a:1")
	m.ConnOpened("a:1")
	m.ConnClosed("a:1")
	m.ConnRefused("a:1", reason.ClientSlow)
	m.ClientHandshake(0x0304, false, "")
	m.ClientHandshake(0, false, reason.ClientTLSFailed)
	m.Reloaded(true, time.Unix(1000, 500e6))
	m.Reloaded(false, time.Unix(2000, 0))
	m.SetPool(pools{{Site: "s", Origin: "https://o", Idle: 3, Busy: 2, Queued: 1, Up: true}, {Site: "s", Origin: "https://o"}, {Site: "s", Route: "/slow", Origin: "https://o"}})
	text := scrape(t, m)
	for _, want := range []string{
		`lunette_requests_total{reason="tls.client_cert_required",site="hello.test.domain",status="502"} 1`,
		`lunette_requests_total{reason="none",site="hello.test.domain",status="200"} 2`,
		`lunette_requests_total{reason="none",site="none",status="5xx"} 1`,
		`lunette_origin_attempts_total{reason="tls.client_cert_required",site="hello.test.domain"} 1`,
		`lunette_origin_attempts_total{reason="none",site="hello.test.domain"} 2`,
		`lunette_origin_reused_connections_total{site="hello.test.domain"} 2`,
		`lunette_origin_renegotiations_total{site="hello.test.domain"} 1`,
		`lunette_origin_phase_duration_seconds_count{phase="first_byte",site="hello.test.domain"} 2`,
		`lunette_request_duration_seconds_count{site="hello.test.domain"} 3`,
		`lunette_request_duration_seconds_bucket{site="hello.test.domain",le="0.005"} 2`,
		`lunette_waf_verdicts_total{mode="detect",site="hello.test.domain",verdict="detect"} 1`,
		`lunette_waf_verdicts_total{mode="block",site="hello.test.domain",verdict="pass"} 2`,
		`lunette_waf_duration_seconds_count{site="hello.test.domain"} 3`,
		`lunette_response_body_bytes_total{site="hello.test.domain"} 21292`,
		`lunette_tls_handshakes_total{result="full",side="client",version="1.3"} 1`,
		`lunette_tls_handshakes_total{result="client.tls_failed",side="client",version="none"} 1`,
		`lunette_tls_handshakes_total{result="full",side="origin",version="1.2"} 2`,
		`lunette_client_connections{listener="a:1"} 1`,
		`lunette_client_connections_accepted_total{listener="a:1"} 2`,
		`lunette_client_connections_refused_total{listener="a:1",reason="client.slow"} 1`,
		`lunette_config_last_reload_successful 0`,
		`lunette_config_last_reload_success_timestamp_seconds 1000.5`,
		`lunette_config_reloads_total{result="failure"} 1`,
		`lunette_origin_connections{origin="https://o",route="",site="s",state="idle"} 3`,
		`lunette_origin_queued_requests{origin="https://o",route="",site="s"} 1`,
		`lunette_origin_up{origin="https://o",route="",site="s"} 1`,
		`lunette_origin_up{origin="https://o",route="/slow",site="s"} 0`,
		`lunette_access_log_lines_total 4`,
		`lunette_access_log_dropped_total 0`,
		`lunette_build_info{goversion="`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
	m.SetPool(nil)
	if strings.Contains(scrape(t, m), "lunette_origin_up{") {
		t.Error("a pool that is gone still shows")
	}
}

// Names follow the conventions of Prometheus: base units, _total for counters only, help everywhere.
func TestMetricNames(t *testing.T) {
	r := recorder(t)
	r.Record(full())
	r.Metrics().Reloaded(true, time.Now())
	name := regexp.MustCompile(`^lunette_[a-z]+(_[a-z]+)*$`)
	n := 0
	for line := range strings.SplitSeq(scrape(t, r.Metrics()), "\n") {
		f := strings.Fields(line)
		if len(f) < 4 || f[1] != "TYPE" || !strings.HasPrefix(f[2], "lunette_") {
			continue
		}
		n++
		if !name.MatchString(f[2]) || strings.HasSuffix(f[2], "_total") != (f[3] == "counter") || strings.Contains(f[2], "_ms") {
			t.Errorf("%s %s", f[2], f[3])
		}
		if f[3] == "histogram" && !strings.HasSuffix(f[2], "_seconds") {
			t.Errorf("histogram %s has no base unit", f[2])
		}
	}
	if n < 15 {
		t.Errorf("%d metrics", n)
	}
}

func TestLabelsAreBounded(t *testing.T) {
	r := recorder(t)
	const sites = 100
	r.metrics.requests.sites.max = sites
	r.metrics.requests.answers.max = sites / 2 // what does not fit the cache is counted all the same
	x := &exchange.Exchange{Attempts: []exchange.Attempt{{}}}
	for i := range sites + 500 {
		x.Site = fmt.Sprint("s", i)
		x.Answer.Status = i
		x.Answer.Reason = reason.Code(fmt.Sprint("made.up", i))
		x.Attempts[0].Reason, x.Attempts[0].TLSVersion, x.Attempts[0].TLS = x.Answer.Reason, uint16(i), 1
		r.metrics.exchange(x)
		r.metrics.ClientHandshake(uint16(i), i%2 == 0, x.Answer.Reason)
		r.metrics.ConnRefused("a:1", x.Answer.Reason)
	}
	text := scrape(t, r.Metrics())
	if n := strings.Count(text, "\nlunette_request_duration_seconds_count{"); n != sites+1 {
		t.Errorf("%d sites have series of their own", n)
	}
	if !strings.Contains(text, `lunette_origin_attempts_total{reason="us.internal_error",site="other"} 500`) {
		t.Error("sites beyond the bound are not counted together")
	}
	if n := strings.Count(text, "\nlunette_tls_handshakes_total{") + strings.Count(text, "\nlunette_client_connections_refused_total{"); n > 8 {
		t.Errorf("%d series of handshakes and refusals for made-up versions and reasons", n)
	}
	if strings.Contains(text, "made.up") {
		t.Error("a reason that is not published became a label")
	}
}

func TestStatusLabel(t *testing.T) {
	for status, want := range map[int]string{200: "200", 499: "499", 502: "502", 299: "2xx", 599: "5xx", 0: "other", 1000: "other", -5: "other"} {
		if got := statusLabel(status); got != want {
			t.Errorf("%d: %s, want %s", status, got, want)
		}
	}
}
