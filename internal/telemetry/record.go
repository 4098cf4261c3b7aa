package telemetry

import "time"

// Record is one parsed access log line; docs/formats/access-log.md says what each member means. Durations are milliseconds,
// nil where a phase was not reached.
type Record struct {
	Time       time.Time       `json:"time"`
	ID         string          `json:"id"`
	Site       string          `json:"site"`
	Route      string          `json:"route"`
	Incident   string          `json:"incident"`
	Status     int             `json:"status"`
	From       string          `json:"from"`
	Reason     string          `json:"reason"`
	Side       string          `json:"side"`
	Detail     string          `json:"detail"`
	DurationMS float64         `json:"duration_ms"`
	FirstMS    *float64        `json:"first_ms"`
	BytesIn    int64           `json:"bytes_in"`
	BytesOut   int64           `json:"bytes_out"`
	Aborted    bool            `json:"aborted"`
	Client     *RecordClient   `json:"client"`
	Request    RecordRequest   `json:"request"`
	WAF        *RecordWAF      `json:"waf"`
	Attempts   []RecordAttempt `json:"attempts"`
}

// RecordClient is the client's connection.
type RecordClient struct {
	Address    string           `json:"address"`
	Peer       string           `json:"peer"`
	Local      string           `json:"local"`
	Listener   string           `json:"listener"`
	Connection uint64           `json:"connection"`
	TLS        *RecordClientTLS `json:"tls"`
}

// RecordClientTLS is the TLS of the client's connection.
type RecordClientTLS struct {
	Version     string `json:"version"`
	Cipher      string `json:"cipher"`
	SNI         string `json:"sni"`
	ALPN        string `json:"alpn"`
	Resumed     bool   `json:"resumed"`
	Certificate string `json:"certificate"`
	Verified    bool   `json:"verified"`
}

// RecordRequest is the request as it came, masked.
type RecordRequest struct {
	Method      string      `json:"method"`
	Scheme      string      `json:"scheme"`
	Host        string      `json:"host"`
	Path        string      `json:"path"`
	Query       string      `json:"query"`
	Proto       string      `json:"proto"`
	Length      int64       `json:"length"`
	UserAgent   string      `json:"user_agent"`
	Referer     string      `json:"referer"`
	ContentType string      `json:"content_type"`
	Headers     [][2]string `json:"headers"` // name and value in the order of arrival; nil when not written
}

// RecordWAF is what the rules said.
type RecordWAF struct {
	Mode      string       `json:"mode"`
	Verdict   string       `json:"verdict"`
	Phase     string       `json:"phase"`
	Score     int          `json:"score"`
	Threshold int          `json:"threshold"`
	SpentMS   float64      `json:"spent_ms"`
	Inspected int64        `json:"inspected"`
	Of        int64        `json:"of"`
	Matched   []int        `json:"matched"`
	Rules     []RecordRule `json:"rules"`
}

// RecordRule is one rule that matched.
type RecordRule struct {
	ID       int      `json:"id"`
	Message  string   `json:"message"`
	Severity string   `json:"severity"`
	Score    int      `json:"score"`
	Target   string   `json:"target"`
	Part     string   `json:"part"`
	Data     string   `json:"data"`
	Tags     []string `json:"tags"`

	Transformations string `json:"transformations"`
	Paranoia        int    `json:"paranoia"`
	Scoring         bool   `json:"scoring"`

	File string `json:"file"` // where the rule stands; "" for those of Lunette and of an exclusion
	Line int    `json:"line"`
}

// RecordAttempt is one try to reach an origin.
type RecordAttempt struct {
	StartMS       float64           `json:"start_ms"`
	URL           string            `json:"url"`
	Address       string            `json:"address"`
	Local         string            `json:"local"`
	Connection    uint64            `json:"connection"`
	Reused        bool              `json:"reused"`
	IdleMS        *float64          `json:"idle_ms"`
	DNSMS         *float64          `json:"dns_ms"`
	ConnectMS     *float64          `json:"connect_ms"`
	TLSMS         *float64          `json:"tls_ms"`
	WriteMS       *float64          `json:"write_ms"`
	FirstByteMS   *float64          `json:"first_byte_ms"`
	BodyMS        *float64          `json:"body_ms"`
	Proto         string            `json:"proto"`
	Status        int               `json:"status"`
	Reason        string            `json:"reason"`
	Side          string            `json:"side"`
	Detail        string            `json:"detail"`
	Finding       string            `json:"finding"`
	Confidence    string            `json:"confidence"`
	Retried       bool              `json:"retried"`
	BytesSent     int64             `json:"bytes_sent"`
	BytesReceived int64             `json:"bytes_received"`
	TLS           *RecordAttemptTLS `json:"tls"`
	Facts         []RecordFact      `json:"facts"`
}

// RecordAttemptTLS is the TLS of an origin connection.
type RecordAttemptTLS struct {
	Version        string      `json:"version"`
	Cipher         string      `json:"cipher"`
	SNI            string      `json:"sni"`
	ALPNSent       []string    `json:"alpn_sent"`
	ALPN           string      `json:"alpn"`
	Resumed        bool        `json:"resumed"`
	Renegotiations int         `json:"renegotiations"`
	CertRequested  bool        `json:"cert_requested"`
	CertSent       bool        `json:"cert_sent"`
	AlertReceived  *int        `json:"alert_received"`
	AlertSent      *int        `json:"alert_sent"`
	Peer           *RecordPeer `json:"peer"`
}

// RecordPeer is the origin's leaf certificate.
type RecordPeer struct {
	Subject  string    `json:"subject"`
	Issuer   string    `json:"issuer"`
	SANs     []string  `json:"sans"`
	NotAfter time.Time `json:"not_after"`
}

// RecordFact is one observation.
type RecordFact struct {
	AtMS float64 `json:"at_ms"`
	Kind string  `json:"kind"`
	Side string  `json:"side"`
	Code int     `json:"code"`
	Size int64   `json:"size"`
	Text string  `json:"text"`
}
