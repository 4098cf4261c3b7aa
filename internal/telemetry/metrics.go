package telemetry

import (
	"net/http"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Metrics are the counters of one process, in a registry of their own. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests *requestMetrics

	connections *prometheus.GaugeVec   // listener
	accepted    *prometheus.CounterVec // listener
	refused     *prometheus.CounterVec // listener, reason
	handshakes  *prometheus.CounterVec // side, version, result
	reloads     *prometheus.CounterVec // result
	reloadOK    prometheus.Gauge
	reloadTime  prometheus.Gauge
	pool        atomic.Pointer[PoolSource]
	flight      atomic.Pointer[FlightSource]
}

// PoolSource is who knows the pools of origin connections.
type PoolSource interface {
	// PoolStats returns one value for each origin in use. It is called at each scrape, from any goroutine.
	PoolStats() []PoolStat
}

// PoolStat is the state of the connections to one origin. Site and Origin come from the configuration.
type PoolStat struct {
	Site, Route        string // Route is its path; "" for the site itself, and for routes that share its origin
	Origin             string // URL
	Idle, Busy, Queued int    // connections, connections, requests
	Up                 bool   // not marked down by health checks or failures
}

func newMetrics(version string, log *batch) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "lunette_client_connections", Help: "Open connections of clients."}, []string{"listener"}),
		accepted:   counters("lunette_client_connections_accepted_total", "Connections accepted from clients.", "listener"),
		refused:    counters("lunette_client_connections_refused_total", "Connections of clients ended before a request.", "listener", "reason"),
		handshakes: counters("lunette_tls_handshakes_total", "TLS handshakes with clients and origins.", "side", "version", "result"),
		reloads:    counters("lunette_config_reloads_total", "Reloads of the configuration.", "result"),
		reloadOK: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lunette_config_last_reload_successful", Help: "1 when the newest configuration file is in use."}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "lunette_config_last_reload_success_timestamp_seconds", Help: "When the configuration in use was loaded, Unix time."}),
	}
	m.requests = newRequestMetrics(m.registry, m.handshakes)
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "lunette_build_info", Help: "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()}})
	build.Set(1)
	m.registry.MustRegister(m.connections, m.accepted, m.refused, m.handshakes, m.reloads, m.reloadOK, m.reloadTime, build,
		poolCollector{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(logCollectors(log, "access")...)
	m.registry.MustRegister(m.flightCollectors()...)
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// AuditLog adds the counters of an audit log. Call it once.
func (m *Metrics) AuditLog(f *File) { m.registry.MustRegister(logCollectors(f.log, "audit")...) }

// logCollectors are the counters of a log: the access log or the audit log.
func logCollectors(log *batch, kind string) []prometheus.Collector {
	counter := func(name, help string, v *atomic.Uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(v.Load()) })
	}
	return []prometheus.Collector{
		counter("lunette_"+kind+"_log_lines_total", "Lines of the "+kind+" log taken.", &log.lines),
		counter("lunette_"+kind+"_log_dropped_total", "Lines of the "+kind+" log lost because the writer failed or hung for too long.", &log.dropped),
		counter("lunette_"+kind+"_log_write_errors_total", "Failed writes of the "+kind+" log; tried again each time.", &log.errors),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "lunette_" + kind + "_log_waiting_bytes", Help: "Bytes of the " + kind + " log not yet written."},
			func() float64 { return float64(log.waiting.Load()) }),
	}
}

// Handler serves the metrics in the formats of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// ConnOpened counts a connection that was accepted on a listener; ConnClosed its end.
func (m *Metrics) ConnOpened(listener string) {
	m.accepted.WithLabelValues(listener).Inc()
	m.connections.WithLabelValues(listener).Inc()
}

// ConnClosed counts the end of a connection that ConnOpened counted.
func (m *Metrics) ConnClosed(listener string) { m.connections.WithLabelValues(listener).Dec() }

// ConnRefused counts a connection ended before it made a request; code says why.
func (m *Metrics) ConnRefused(listener string, code reason.Code) {
	m.refused.WithLabelValues(listener, reasonLabel(code)).Inc()
}

// ClientHandshake counts a TLS handshake with a client: its version (0 when none was agreed) and why it failed, "" for success.
func (m *Metrics) ClientHandshake(version uint16, resumed bool, code reason.Code) {
	m.handshakes.WithLabelValues("client", versionLabel(version), handshakeResult(resumed, code)).Inc()
}

func handshakeResult(resumed bool, code reason.Code) string {
	switch {
	case code != "":
		return reasonLabel(code)
	case resumed:
		return "resumed"
	}
	return "full"
}

// Reloaded notes a load of the configuration; the first one counts too.
func (m *Metrics) Reloaded(ok bool, at time.Time) {
	if !ok {
		m.reloads.WithLabelValues("failure").Inc()
		m.reloadOK.Set(0)
		return
	}
	m.reloads.WithLabelValues("success").Inc()
	m.reloadOK.Set(1)
	m.reloadTime.Set(float64(at.UnixMilli()) / 1000)
}

// SetPool says who knows the pools from now on; nil for nobody.
func (m *Metrics) SetPool(p PoolSource) {
	if p == nil {
		m.pool.Store(nil)
		return
	}
	m.pool.Store(&p)
}

// poolCollector asks the pools at each scrape.
type poolCollector struct{ m *Metrics }

func poolDescs() (conns, queued, up *prometheus.Desc) {
	return prometheus.NewDesc("lunette_origin_connections", "Connections to an origin by state.", []string{"site", "route", "origin", "state"}, nil),
		prometheus.NewDesc("lunette_origin_queued_requests", "Requests that wait for a connection to an origin.", []string{"site", "route", "origin"}, nil),
		prometheus.NewDesc("lunette_origin_up", "1 when the origin takes requests, 0 when it is marked down.", []string{"site", "route", "origin"}, nil)
}

// Describe implements prometheus.Collector.
func (poolCollector) Describe(out chan<- *prometheus.Desc) {
	conns, queued, up := poolDescs()
	out <- conns
	out <- queued
	out <- up
}

// Collect implements prometheus.Collector.
func (c poolCollector) Collect(out chan<- prometheus.Metric) {
	source := c.m.pool.Load()
	if source == nil {
		return
	}
	conns, queued, up := poolDescs()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	type origin struct{ site, route, origin string }
	seen := map[origin]bool{} // the same labels twice would fail the whole scrape
	for _, s := range (*source).PoolStats() {
		if k := (origin{s.Site, s.Route, s.Origin}); seen[k] {
			continue
		} else {
			seen[k] = true
		}
		gauge(conns, float64(s.Idle), s.Site, s.Route, s.Origin, "idle")
		gauge(conns, float64(s.Busy), s.Site, s.Route, s.Origin, "busy")
		gauge(queued, float64(s.Queued), s.Site, s.Route, s.Origin)
		isUp := 0.0
		if s.Up {
			isUp = 1
		}
		gauge(up, isUp, s.Site, s.Route, s.Origin)
	}
}

// reasonLabel bounds a label to the published table; "none" stands for no reason.
func reasonLabel(c reason.Code) string {
	switch {
	case c == "":
		return "none"
	case reason.Known(c):
		return string(c)
	}
	return string(reason.UsInternal)
}

func versionLabel(v uint16) string {
	if v == 0 {
		return "none"
	}
	if v < 0x0300 || v > 0x0304 {
		return "other"
	}
	return versionName(v)
}

// statusLabel bounds a status, which an origin chooses: codes in common use as they are, others as their class.
func statusLabel(status int) string {
	if http.StatusText(status) != "" || status == 499 {
		return strconv.Itoa(status)
	}
	if status >= 100 && status <= 599 {
		return strconv.Itoa(status/100) + "xx"
	}
	return "other"
}
