package tlswire

// SuiteRenegotiationSCSV and SuiteFallbackSCSV are signals in the list of suites (RFC 5746 section 3.3, RFC 7507).
const (
	SuiteRenegotiationSCSV uint16 = 0x00ff
	SuiteFallbackSCSV      uint16 = 0x5600
)

// ClientHello is a client's first message (RFC 5246 section 7.4.1.2, RFC 8446 section 4.1.2).
// The fields behind Extensions are read from it by [ParseClientHello]; [AppendClientHello] writes Extensions as they are,
// and [ClientHello.BuildExtensions] makes them from the fields.
type ClientHello struct {
	Version     uint16 // legacy_version
	Random      [32]byte
	SessionID   []byte
	Suites      []uint16
	Compression []byte
	Extensions  Extensions // in order, as sent; nil when the block is absent

	ServerName           string // SNI host_name as sent, "" when absent
	ALPN                 []string
	Versions             []uint16 // supported_versions; nil before TLS 1.3
	Groups               []uint16
	KeyShares            []KeyShare
	PointFormats         []byte
	SignatureSchemes     []uint16
	SecureRenegotiation  bool   // renegotiation_info or its signalling suite
	RenegotiationInfo    []byte // renegotiated_connection; nil when the extension is absent, empty in a first handshake
	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	SessionTicket        bool
	Ticket               []byte // session_ticket to resume with (RFC 5077); nil when absent or empty
	PostHandshakeAuth    bool
	EarlyData            bool
	EncryptedHello       bool // ECH offered: ServerName is the public name only

	PSKIdentities    []PSKIdentity // pre_shared_key; nil when absent
	PSKModes         []uint8
	Cookie           []byte // of a HelloRetryRequest
	CertSchemes      []uint16
	CompressCerts    []uint16 // compress_certificate: algorithms
	RecordSizeLimit  uint16   // bytes, 0 when absent
	MaxFragmentCode  uint8    // max_fragment_length: 1 to 4 for 2^9 to 2^12 bytes, 0 when absent
	StatusRequest    bool
	SCT              bool
	NextProtocol     bool     // NPN
	ALPS             []string // application settings: protocols
	DelegatedSchemes []uint16 // delegated_credential
	Padding          int      // bytes of padding

	SSL2      bool     // it came in the format of SSL 2.0: see ParseSSL2ClientHello
	SSL2Specs []uint32 // its cipher specs that no later version has
}

// MaxVersion is the highest version offered, GREASE values passed over.
func (h *ClientHello) MaxVersion() uint16 {
	if h.Versions == nil {
		return h.Version
	}
	best := uint16(0)
	for _, v := range h.Versions {
		if v > best && v>>8 == 3 {
			best = v
		}
	}
	return best
}

// ParseClientHello reads the body of a ClientHello. The result aliases body, strings apart.
func ParseClientHello(body []byte) (*ClientHello, error) {
	h, err := ReadClientHello(body)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// ReadClientHello is ParseClientHello for those who look at what others sent: beside the error, a *ParseError for the first
// field that is malformed, it returns what could be read. h is never nil.
func ReadClientHello(body []byte) (h *ClientHello, err error) {
	c := cursor{b: body}
	h = &ClientHello{Version: c.u16()}
	copy(h.Random[:], c.take(32))
	h.SessionID = c.vec8()
	if c.bad || len(h.SessionID) > 32 {
		return h, &ParseError{"client hello", "session id"}
	}
	h.Suites = c.u16s(c.vec16())
	if c.bad || len(h.Suites) == 0 {
		return h, &ParseError{"client hello", "cipher suites"}
	}
	for _, s := range h.Suites {
		if s == SuiteRenegotiationSCSV {
			h.SecureRenegotiation = true
		}
	}
	h.Compression = c.vec8()
	if c.bad || len(h.Compression) == 0 {
		return h, &ParseError{"client hello", "compression methods"}
	}
	h.Extensions = c.extensions()
	if c.bad || len(c.b) > 0 {
		err = &ParseError{"client hello", "extensions"}
	}
	for i := range h.Extensions {
		if !h.read(&h.Extensions[i]) && err == nil {
			err = &ParseError{"client hello", ExtensionName(h.Extensions[i].Type) + " extension"}
		}
	}
	return h, err
}
