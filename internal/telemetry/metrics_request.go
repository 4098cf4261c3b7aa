package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

const (
	maxSites  = 4096 // further ones share the label "other"
	maxSeries = 4096 // series that are looked up once; further ones each time
)

// requestMetrics are what one exchange adds to. Series are looked up once and kept.
type requestMetrics struct {
	total    *prometheus.CounterVec // site, status, reason
	attempts *prometheus.CounterVec // site, reason
	verdicts *prometheus.CounterVec // site, mode, verdict
	hands    *prometheus.CounterVec // side, version, result

	sites      *cache[string, *siteMetrics]
	answers    *cache[answerKey, prometheus.Counter]
	tries      *cache[tryKey, prometheus.Counter]
	judgements *cache[verdictKey, prometheus.Counter]
	handshakes *cache[handshakeKey, prometheus.Counter]
}

type answerKey struct {
	site   string
	status int
	reason reason.Code
}

type tryKey struct {
	site   string
	reason reason.Code
}

type verdictKey struct{ site, mode, verdict string }

type handshakeKey struct {
	version uint16
	resumed bool
	reason  reason.Code
}

// siteMetrics are the series of one site.
type siteMetrics struct {
	name            string
	duration, first prometheus.Observer
	bytesIn         prometheus.Counter
	bytesOut        prometheus.Counter
	phases          [6]prometheus.Observer
	waf             prometheus.Observer
	reused, retried prometheus.Counter
	renegotiations  prometheus.Counter
}

var phaseNames = [6]string{"dns", "connect", "tls", "write", "first_byte", "body"}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func newRequestMetrics(reg *prometheus.Registry, hands *prometheus.CounterVec) *requestMetrics {
	seconds := []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120}
	duration := histogram("lunette_request_duration_seconds", "From the first byte of a request to the last of its answer.", seconds, "site")
	first := histogram("lunette_request_first_byte_seconds", "From the first byte of a request to the head of its answer.", seconds, "site")
	phases := histogram("lunette_origin_phase_duration_seconds", "Phases of attempts that were reached; not those that a reused connection skips.", seconds, "site", "phase")
	waf := histogram("lunette_waf_duration_seconds", "Time spent in rules for one request.",
		[]float64{.00001, .000025, .00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1}, "site")
	bytesIn := counters("lunette_request_body_bytes_total", "Body bytes received from clients.", "site")
	bytesOut := counters("lunette_response_body_bytes_total", "Body bytes sent to clients.", "site")
	reused := counters("lunette_origin_reused_connections_total", "Attempts on a kept-alive connection.", "site")
	retried := counters("lunette_origin_retries_total", "Attempts that were followed by another one.", "site")
	reneg := counters("lunette_origin_renegotiations_total", "TLS renegotiations that origins asked for.", "site")
	r := &requestMetrics{
		total:    counters("lunette_requests_total", "Requests by what was answered; reason is none unless Lunette ended it.", "site", "status", "reason"),
		attempts: counters("lunette_origin_attempts_total", "Attempts to reach an origin; reason is none for success.", "site", "reason"),
		verdicts: counters("lunette_waf_verdicts_total", "Verdicts of the rules.", "site", "mode", "verdict"),
		hands:    hands,
	}
	reg.MustRegister(duration, first, phases, waf, bytesIn, bytesOut, reused, retried, reneg, r.total, r.attempts, r.verdicts)
	r.sites = newCache(maxSites, func(site string) *siteMetrics {
		switch {
		case site == "":
			site = "none"
		case r.full():
			site = "other"
		}
		s := &siteMetrics{
			name: site, duration: duration.WithLabelValues(site), first: first.WithLabelValues(site),
			bytesIn: bytesIn.WithLabelValues(site), bytesOut: bytesOut.WithLabelValues(site), waf: waf.WithLabelValues(site),
			reused: reused.WithLabelValues(site), retried: retried.WithLabelValues(site), renegotiations: reneg.WithLabelValues(site),
		}
		for i, p := range phaseNames {
			s.phases[i] = phases.WithLabelValues(site, p)
		}
		return s
	})
	r.answers = newCache(maxSeries, func(k answerKey) prometheus.Counter {
		return r.total.WithLabelValues(k.site, statusLabel(k.status), reasonLabel(k.reason))
	})
	r.tries = newCache(maxSeries, func(k tryKey) prometheus.Counter {
		return r.attempts.WithLabelValues(k.site, reasonLabel(k.reason))
	})
	r.judgements = newCache(maxSeries, func(k verdictKey) prometheus.Counter {
		return r.verdicts.WithLabelValues(k.site, k.mode, k.verdict)
	})
	r.handshakes = newCache(maxSeries, func(k handshakeKey) prometheus.Counter {
		return r.hands.WithLabelValues("origin", versionLabel(k.version), handshakeResult(k.resumed, k.reason))
	})
	return r
}

// full says that no further site may have series of its own.
func (r *requestMetrics) full() bool {
	m := r.sites.m.Load()
	return m != nil && len(*m) >= r.sites.max
}

func (m *Metrics) exchange(x *exchange.Exchange) {
	r := m.requests
	s := r.sites.get(x.Site)
	r.answers.get(answerKey{s.name, x.Answer.Status, x.Answer.Reason}).Inc()
	s.duration.Observe(x.Answer.Duration.Seconds())
	if x.Answer.First > 0 {
		s.first.Observe(x.Answer.First.Seconds())
	}
	add(s.bytesIn, x.Answer.BytesIn)
	add(s.bytesOut, x.Answer.BytesOut)
	if x.WAF.Mode != "" && x.WAF.Mode != "off" {
		r.judgements.get(verdictKey{s.name, x.WAF.Mode, x.WAF.Verdict}).Inc()
		s.waf.Observe(x.WAF.Spent.Seconds())
	}
	for i := range x.Attempts {
		r.attempt(s, &x.Attempts[i])
	}
}

func add(c prometheus.Counter, n int64) {
	if n > 0 {
		c.Add(float64(n))
	}
}

func (r *requestMetrics) attempt(s *siteMetrics, a *exchange.Attempt) {
	r.tries.get(tryKey{s.name, a.Reason}).Inc()
	if a.Reused {
		s.reused.Inc()
	} else if a.TLS > 0 {
		failed := a.Reason
		if a.Write >= 0 { // what came after the handshake is not its result
			failed = ""
		}
		r.handshakes.get(handshakeKey{a.TLSVersion, a.Resumed, failed}).Inc()
	}
	if a.Retried {
		s.retried.Inc()
	}
	add(s.renegotiations, int64(a.Renegotiations))
	for i, d := range [6]time.Duration{a.DNS, a.Connect, a.TLS, a.Write, a.FirstByte, a.Body} {
		if d > 0 {
			s.phases[i].Observe(d.Seconds())
		}
	}
}
