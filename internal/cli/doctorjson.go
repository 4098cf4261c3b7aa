package cli

import (
	"encoding/json"
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/probe"
)

// doctorDoc is what --format json writes: docs/formats/doctor.md.
type doctorDoc struct {
	Lunette     doctorFormat       `json:"lunette"`
	Target      doctorTarget       `json:"target"`
	Verdict     string             `json:"verdict"`
	Cut         string             `json:"cut,omitempty"`
	Began       time.Time          `json:"began"`
	Seconds     float64            `json:"took_s"`
	Findings    []finding.Finding  `json:"findings"`
	Lacking     []doctorLack       `json:"lacking,omitempty"`
	Lines       []probe.Line       `json:"lines"`
	Connections []doctorConn       `json:"connections"`
	Gateway     string             `json:"gateway,omitempty"`
	Settings    doctorSettings     `json:"settings"`
	Sister      *doctorTarget      `json:"compared_with,omitempty"`
	Differences []probe.Difference `json:"differences,omitempty"`
}

type doctorFormat struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

type doctorTarget struct {
	Authority string   `json:"authority"`
	TLS       bool     `json:"tls"`
	Dialled   string   `json:"dialled"`
	Port      uint16   `json:"port"`
	Addresses []string `json:"addresses"`
}

type doctorLack struct {
	Code finding.Code `json:"code"`
	How  []string     `json:"how"`
}

type doctorConn struct {
	ID            uint64  `json:"id"`
	Purpose       string  `json:"purpose"`
	Address       string  `json:"address"`
	Via           bool    `json:"via_gateway,omitempty"`
	Path          string  `json:"path,omitempty"`
	Connect       float64 `json:"connect_s,omitempty"`
	TLS           float64 `json:"tls_s,omitempty"`
	Version       string  `json:"tls_version,omitempty"`
	Suite         string  `json:"cipher_suite,omitempty"`
	ALPN          string  `json:"alpn,omitempty"`
	Trust         string  `json:"trust,omitempty"`
	HelloRequests int     `json:"hello_requests,omitempty"`
	Ignored       float64 `json:"ignored_s,omitempty"`
	Statuses      []int   `json:"statuses,omitempty"`
	FirstByte     float64 `json:"first_byte_s,omitempty"`
	Failed        string  `json:"failed,omitempty"`
	Error         string  `json:"error,omitempty"`
}

type doctorSettings struct {
	YAML    string   `json:"yaml,omitempty"`
	Why     []string `json:"why,omitempty"`
	Unknown string   `json:"unknown,omitempty"`
	Proven  bool     `json:"proven"`
	Proof   string   `json:"proof,omitempty"`
}

func (e *examination) json(w io.Writer) error {
	r := e.report
	doc := doctorDoc{Lunette: doctorFormat{"doctor", 1}, Target: targetDoc(r), Verdict: e.word(), Cut: r.Cut, Began: r.Began.UTC(), Seconds: r.Ended.Sub(r.Began).Seconds(),
		Findings: e.findings, Lines: r.Lines, Connections: []doctorConn{}}
	if doc.Findings == nil {
		doc.Findings = []finding.Finding{}
	}
	seen := map[finding.Code]bool{}
	for _, l := range e.lacking {
		if !seen[l.Code] {
			doc.Lacking = append(doc.Lacking, doctorLack{l.Code, l.For.How()})
		}
		seen[l.Code] = true
	}
	for _, o := range r.Tries {
		doc.Connections = append(doc.Connections, connDoc(o))
	}
	doc.Settings = doctorSettings{YAML: e.yaml, Why: r.Settings.Why, Unknown: r.Settings.Unknown, Proven: e.proven()}
	if e.yaml != "" {
		doc.Settings.Proof = e.proof()
	}
	if e.gatewayFails() != nil {
		doc.Gateway = e.gatewaySentence()
	}
	if e.sister != nil {
		t := targetDoc(e.sister)
		doc.Sister, doc.Differences = &t, probe.Compared(r, e.sister)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(&doc)
}

// word is the verdict in one word, as the exit code has it.
func (e *examination) word() string {
	switch err := e.exit(); err {
	case nil:
		return "healthy"
	case errReported:
		return "failing"
	default:
		return "undecided"
	}
}

func targetDoc(r *probe.Report) doctorTarget {
	t := doctorTarget{Authority: r.Target.Authority, TLS: r.Target.TLS, Dialled: r.Target.Host, Port: r.Target.Port, Addresses: []string{}}
	for _, a := range r.Addresses {
		t.Addresses = append(t.Addresses, a.String())
	}
	return t
}

func connDoc(o *probe.Outcome) doctorConn {
	c := doctorConn{ID: o.Recording.ID, Purpose: o.Purpose, Address: o.Addr.String(), Via: o.Via, Path: probe.Masked(o.Path), Connect: o.Times.Connect.Seconds(), TLS: o.Times.TLS.Seconds(),
		Trust: o.Trust, HelloRequests: o.HelloRequests, Ignored: o.Ignored.Seconds(), Failed: o.Phase}
	if c.Version, c.Suite = o.Chosen(); o.Shaken() {
		c.ALPN = o.State.NegotiatedProtocol
	}
	for i, a := range o.Answers {
		c.Statuses = append(c.Statuses, a.Status)
		if i == 0 {
			c.FirstByte = a.FirstByte.Seconds()
		}
	}
	if o.Err != nil {
		c.Error = o.Why()
	}
	return c
}
