package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// admin fetches a path of the admin address.
func (g *gateway) admin(t testing.TB, path string) (status int, body string) {
	t.Helper()
	res, err := http.Get("http://" + g.AdminAddr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// metrics scrapes the admin address as Prometheus does.
func (g *gateway) metrics(t testing.TB) map[string]*dto.MetricFamily {
	t.Helper()
	_, text := g.admin(t, "/metrics")
	p := expfmt.NewTextParser(model.UTF8Validation)
	out, err := p.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// labels returns the labels of one metric.
func labels(m *dto.Metric) map[string]string {
	out := map[string]string{}
	for _, l := range m.GetLabel() {
		out[l.GetName()] = l.GetValue()
	}
	return out
}

// reasonsIn counts the attempts that failed, by "site reason".
func reasonsIn(t testing.TB, families map[string]*dto.MetricFamily) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, m := range families["lunette_origin_attempts_total"].GetMetric() {
		l := labels(m)
		if l["reason"] != "none" {
			out[l["site"]+" "+l["reason"]] = int(m.GetCounter().GetValue())
		}
	}
	return out
}
