package decrypt

import "github.com/lunette-waf/lunette/internal/capture/secrets"

// Info sums a Session up.
type Info struct {
	Version                                             uint16 // negotiated; 0 when no ServerHello was seen
	Suite                                               uint16 // of the last handshake
	FirstSuite                                          uint16 // of the first
	ServerName                                          string
	ALPN                                                string
	Group                                               string
	Resumed                                             string // "session_id", "ticket", "psk"; "" for a full handshake
	ExtendedMaster, EncryptThenMAC, SecureRenegotiation bool
	EarlyData                                           bool // the server accepted 0-RTT data
	Established                                         bool // both Finished seen, or application data of both
	Handshakes                                          int  // completed
	HelloRequests                                       int
	Answer                                              string // to the last HelloRequest: "complied", "refused", "ignored"
	CertificateRequested, ClientCertificate             bool
	JA3, JA3S, JA4                                      string
	Decrypted                                           int64 // records
	Closed                                              int64 // protected records that did not open
	Why                                                 Why
	Source                                              string   // of the secrets: "key log", "private key", "psk", "session"; "null cipher" where none was needed
	PlainBytes                                          [3]int64 // application data by fact.Side
}

// Sources of secrets, as Info.Source says them.
const (
	sourceLog     = "key log"
	sourceKey     = "private key"
	sourcePSK     = "psk"
	sourceSession = "session"
	sourceNone    = "null cipher"
)

// Info sums up what was seen so far.
func (s *Session) Info() Info {
	i := s.info
	if i.Why == WhyNot && i.Decrypted == 0 && i.Closed == 0 {
		i.Why = WhyNoHandshake
	}
	return i
}

// source reads a Store that may be nil.
type source struct{ *secrets.Store }

func (s source) empty() bool { return s.Store == nil || s.Store.Empty() }
