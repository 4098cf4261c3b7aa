package explain

import (
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// The fields of the JSON form. docs/formats/explain.md says what each means; a test holds the two together.

type jsonFormat struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
}

type jsonFile struct {
	Name        string      `json:"name"`
	Format      string      `json:"format"`
	Compressed  bool        `json:"compressed"`
	Links       []string    `json:"links"`
	Application string      `json:"application,omitempty"`
	Hardware    string      `json:"hardware,omitempty"`
	OS          string      `json:"os,omitempty"`
	Comments    []string    `json:"comments,omitempty"`
	Packets     int64       `json:"packets"`
	Dropped     int64       `json:"dropped"`
	Damage      *jsonDamage `json:"damage,omitempty"`
	Skipped     int64       `json:"skipped_bytes,omitempty"`
}

type jsonDamage struct {
	Offset int64  `json:"offset"`
	What   string `json:"what"`
	After  int64  `json:"after_packets"`
}

type jsonSecrets struct {
	KeyLogs []string `json:"key_logs"`
	Keys    []string `json:"keys"`
	PSKs    int      `json:"psks"`
	Inside  int      `json:"inside"`
}

type jsonFlow struct {
	Number           int               `json:"number"`
	Client           string            `json:"client"`
	Server           string            `json:"server"`
	SNI              string            `json:"sni,omitempty"`
	Tunnel           string            `json:"tunnel,omitempty"`
	Start            time.Time         `json:"start"`
	End              time.Time         `json:"end"`
	Duration         float64           `json:"duration_s"`
	Midstream        bool              `json:"midstream"`
	Purpose          string            `json:"purpose,omitempty"`
	Variant          bool              `json:"variant,omitempty"`
	RTT              float64           `json:"rtt_s,omitempty"`
	Packets          jsonSides         `json:"packets"`
	Bytes            jsonSides         `json:"bytes"`
	Closed           jsonClosed        `json:"closed"`
	Protocol         string            `json:"protocol,omitempty"`
	HTTPProtocol     string            `json:"http_protocol,omitempty"`
	TLS              *jsonTLS          `json:"tls"`
	Decisive         *int              `json:"decisive,omitempty"`
	Events           []jsonEvent       `json:"events"`
	EventsOmitted    int               `json:"events_omitted,omitempty"`
	HTTP             []jsonHTTP        `json:"http"`
	ExchangesOmitted int               `json:"http_omitted,omitempty"`
	Findings         []finding.Finding `json:"findings"`
	Lacking          []jsonLack        `json:"lacking,omitempty"`
}

type jsonLack struct {
	Code  finding.Code `json:"code"`
	Needs []string     `json:"needs"`
}

type jsonSides struct {
	Client int64 `json:"client"`
	Server int64 `json:"server"`
}

type jsonClosed struct {
	Client string `json:"client,omitempty"`
	Server string `json:"server,omitempty"`
}

type jsonTLS struct {
	Version              string    `json:"version,omitempty"`
	Cipher               string    `json:"cipher,omitempty"`
	FirstCipher          string    `json:"first_cipher,omitempty"`
	ALPN                 string    `json:"alpn,omitempty"`
	Group                string    `json:"group,omitempty"`
	Decrypted            bool      `json:"decrypted"`
	WhyNot               string    `json:"why_not,omitempty"`
	WhyNotText           string    `json:"why_not_text,omitempty"`
	Source               string    `json:"source,omitempty"`
	RecordsOpened        int64     `json:"records_opened"`
	RecordsClosed        int64     `json:"records_closed"`
	PlainBytes           jsonSides `json:"plain_bytes"`
	Established          bool      `json:"established"`
	Handshakes           int       `json:"handshakes"`
	Resumed              string    `json:"resumed,omitempty"`
	EarlyData            bool      `json:"early_data,omitempty"`
	HelloRequests        int       `json:"hello_requests,omitempty"`
	HelloRequestAnswer   string    `json:"hello_request_answer,omitempty"`
	CertificateRequested bool      `json:"certificate_requested"`
	ClientCertificate    bool      `json:"client_certificate"`
	ExtendedMasterSecret bool      `json:"extended_master_secret"`
	EncryptThenMAC       bool      `json:"encrypt_then_mac"`
	SecureRenegotiation  bool      `json:"secure_renegotiation"`
	JA3                  string    `json:"ja3,omitempty"`
	JA3S                 string    `json:"ja3s,omitempty"`
	JA4                  string    `json:"ja4,omitempty"`
}

type jsonEvent struct {
	At     time.Time   `json:"at"`
	AtS    float64     `json:"at_s"`
	Side   string      `json:"side,omitempty"`
	Kind   string      `json:"kind"`
	File   int         `json:"file,omitempty"`
	Frame  int64       `json:"frame,omitempty"`
	Code   int         `json:"code,omitempty"`
	Size   int64       `json:"size,omitempty"`
	Span   float64     `json:"duration_s,omitempty"`
	Text   string      `json:"text,omitempty"`
	Detail fact.Detail `json:"detail,omitempty"`
}

type jsonTotals struct {
	Packets      int64     `json:"packets"`
	Bytes        int64     `json:"bytes"`
	Start        time.Time `json:"start"`
	End          time.Time `json:"end"`
	Connections  int64     `json:"connections"`
	Flows        int       `json:"flows"`
	FlowsOmitted int64     `json:"flows_omitted,omitempty"`
	TLS          int       `json:"tls"`
	Decrypted    int       `json:"decrypted"`
	NotDecrypted int       `json:"not_decrypted"`
	Exchanges    int       `json:"exchanges"`
	Warnings     []string  `json:"warnings"`
}
