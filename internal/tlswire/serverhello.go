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
	SessionTicket        bool
	ALPN                 string // up to TLS 1.2
	KeyShare             uint16 // group chosen in TLS 1.3, 0 when absent
	HelloRetry           bool   // this is a HelloRetryRequest
}

// Negotiated is the version of the connection.
func (h *ServerHello) Negotiated() uint16 {
	if h.SelectedVersion != 0 {
		return h.SelectedVersion
	}
	return h.Version
}

// ParseServerHello reads the body of a ServerHello. The result aliases body, strings apart.
func ParseServerHello(body []byte) (*ServerHello, error) {
	c := cursor{b: body}
	h := &ServerHello{Version: c.u16()}
	copy(h.Random[:], c.take(32))
	h.SessionID = c.vec8()
	if c.bad || len(h.SessionID) > 32 {
		return nil, &ParseError{"server hello", "session id"}
	}
	h.Suite = c.u16()
	h.Compression = c.u8()
	if c.bad {
		return nil, &ParseError{"server hello", "cipher suite"}
	}
	h.Extensions = c.extensions()
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"server hello", "extensions"}
	}
	h.HelloRetry = string(h.Random[:]) == retryRandom
	for i := range h.Extensions {
		if !h.read(&h.Extensions[i]) {
			return nil, &ParseError{"server hello", ExtensionName(h.Extensions[i].Type) + " extension"}
		}
	}
	return h, nil
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
	case ExtALPN:
		names, ok := alpnNames(e.Data)
		if !ok || len(names) != 1 {
			return false
		}
		h.ALPN = names[0]
	}
	return !c.bad
}

// BuildExtensions sets Extensions from the typed fields of TLS 1.2 and earlier.
func (h *ServerHello) BuildExtensions() {
	var e Extensions
	if h.ALPN != "" {
		e = append(e, extALPN([]string{h.ALPN}))
	}
	if h.EncryptThenMAC {
		e = append(e, Extension{ExtEncryptThenMAC, nil})
	}
	if h.ExtendedMasterSecret {
		e = append(e, Extension{ExtExtendedMasterSecret, nil})
	}
	if h.RenegotiationInfo != nil {
		e = append(e, Extension{ExtRenegotiationInfo, appendBytes(nil, 1, h.RenegotiationInfo)})
	}
	h.Extensions = e
}

// AppendServerHello appends the message, header included.
func AppendServerHello(dst []byte, h *ServerHello) []byte {
	dst = append(dst, MsgServerHello)
	return appendVec(dst, 3, func(d []byte) []byte {
		d = appendU16(d, h.Version)
		d = append(d, h.Random[:]...)
		d = appendBytes(d, 1, h.SessionID)
		d = appendU16(d, h.Suite)
		d = append(d, h.Compression)
		if h.Extensions == nil {
			return d
		}
		return appendExtensions(d, h.Extensions)
	})
}
