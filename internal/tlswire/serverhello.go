package tlswire

// retryRandom is the Random that makes a ServerHello a HelloRetryRequest (RFC 8446 section 4.1.3).
const retryRandom = "\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91" +
	"\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"

// ServerHello is a server's first message (RFC 5246 section 7.4.1.3, RFC 8446 section 4.1.3).
// The fields behind Extensions are read from it by [ParseServerHello]; [AppendServerHello] writes Extensions as they are.
type ServerHello struct {
	Version     uint16 // legacy_version; see Negotiated
	Random      [32]byte
	SessionID   []byte
	Suite       uint16
	Compression uint8
	Extensions  Extensions

	SelectedVersion      uint16 // supported_versions, 0 when absent
	RenegotiationInfo    []byte // nil when absent: a server without RFC 5746
	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	SessionTicket        bool   // a NewSessionTicket will follow (RFC 5077)
	ALPN                 string // up to TLS 1.2
	KeyShare             uint16 // group chosen in TLS 1.3, 0 when absent
	ServerKey            []byte // public key of that group; nil in a HelloRetryRequest
	HelloRetry           bool   // this is a HelloRetryRequest
	PSK                  bool   // pre_shared_key: one of the client's is taken
	SelectedPSK          uint16 // its index
	Cookie               []byte // of a HelloRetryRequest
	PointFormats         []byte
	StatusRequest        bool // a CertificateStatus will follow
	NextProtocol         bool // NPN
	ServerNameAck        bool
	RecordSizeLimit      uint16 // bytes, 0 when absent
	MaxFragmentCode      uint8  // as in ClientHello
}

// DowngradeFrom returns the version above which this server stands, as the last bytes of its Random say (RFC 8446 section
// 4.1.3): TLS 1.3 for one that negotiated TLS 1.2, TLS 1.2 for one that negotiated less; 0 without such a sign.
// In an undisturbed handshake such a client did not offer that version.
func (h *ServerHello) DowngradeFrom() uint16 {
	switch string(h.Random[24:]) {
	case "DOWNGRD\x01":
		return VersionTLS13
	case "DOWNGRD\x00":
		return VersionTLS12
	}
	return 0
}

// Negotiated is the version of the connection.
func (h *ServerHello) Negotiated() uint16 {
	if h.SelectedVersion != 0 {
		return h.SelectedVersion
	}
	return h.Version
}

// ParseServerHello reads the body of a ServerHello or HelloRetryRequest. The result aliases body, strings apart.
func ParseServerHello(body []byte) (*ServerHello, error) {
	h, err := ReadServerHello(body)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// ReadServerHello is ParseServerHello for those who look at what others sent: beside the error, a *ParseError for the first
// field that is malformed, it returns what could be read. h is never nil.
func ReadServerHello(body []byte) (h *ServerHello, err error) {
	c := cursor{b: body}
	h = &ServerHello{Version: c.u16()}
	copy(h.Random[:], c.take(32))
	h.HelloRetry = string(h.Random[:]) == retryRandom
	h.SessionID = c.vec8()
	if c.bad || len(h.SessionID) > 32 {
		return h, &ParseError{"server hello", "session id"}
	}
	h.Suite = c.u16()
	h.Compression = c.u8()
	if c.bad {
		return h, &ParseError{"server hello", "cipher suite"}
	}
	h.Extensions = c.extensions()
	if c.bad || len(c.b) > 0 {
		err = &ParseError{"server hello", "extensions"}
	}
	for i := range h.Extensions {
		if !h.read(&h.Extensions[i]) && err == nil {
			err = &ParseError{"server hello", ExtensionName(h.Extensions[i].Type) + " extension"}
		}
	}
	return h, err
}

func (h *ServerHello) read(e *Extension) bool {
	c := cursor{b: e.Data}
	switch e.Type {
	case ExtSupportedVersions:
		h.SelectedVersion = c.u16()
	case ExtRenegotiationInfo:
		h.RenegotiationInfo = c.vec8()
	case ExtExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	case ExtEncryptThenMAC:
		h.EncryptThenMAC = true
	case ExtSessionTicket:
		h.SessionTicket = true
	case ExtKeyShare:
		h.KeyShare = c.u16()
		if len(c.b) > 0 {
			h.ServerKey = c.vec16()
		}
	case ExtPreSharedKey:
		h.PSK, h.SelectedPSK = true, c.u16()
	case ExtALPN:
		names, ok := alpnNames(e.Data)
		if !ok || len(names) != 1 {
			return false
		}
		h.ALPN = names[0]
	default:
		h.readRare(e)
	}
	return !c.bad
}

// readRare takes over extensions that nothing here depends on: a malformed one leaves its field empty.
func (h *ServerHello) readRare(e *Extension) {
	c := cursor{b: e.Data}
	switch e.Type {
	case ExtCookie:
		h.Cookie = c.vec16()
	case ExtPointFormats:
		h.PointFormats = c.vec8()
	case ExtStatusRequest:
		h.StatusRequest = true
	case ExtNextProtocol:
		h.NextProtocol = true
	case ExtServerName:
		h.ServerNameAck = true
	case ExtRecordSizeLimit:
		h.RecordSizeLimit = c.u16()
	case ExtMaxFragmentLength:
		h.MaxFragmentCode = c.u8()
	}
}
