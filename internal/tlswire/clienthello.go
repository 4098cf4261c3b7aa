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
	KeyShares            []uint16 // groups of the key shares sent
	PointFormats         []byte
	SignatureSchemes     []uint16
	SecureRenegotiation  bool   // renegotiation_info or its signalling suite
	RenegotiationInfo    []byte // renegotiated_connection; nil when the extension is absent, empty in a first handshake
	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	SessionTicket        bool
	PostHandshakeAuth    bool
	EarlyData            bool
	EncryptedHello       bool // ECH offered: ServerName is the public name only
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
	c := cursor{b: body}
	h := &ClientHello{Version: c.u16()}
	copy(h.Random[:], c.take(32))
	h.SessionID = c.vec8()
	if c.bad || len(h.SessionID) > 32 {
		return nil, &ParseError{"client hello", "session id"}
	}
	h.Suites = c.u16s(c.vec16())
	if c.bad || len(h.Suites) == 0 {
		return nil, &ParseError{"client hello", "cipher suites"}
	}
	h.Compression = c.vec8()
	if c.bad || len(h.Compression) == 0 {
		return nil, &ParseError{"client hello", "compression methods"}
	}
	h.Extensions = c.extensions()
	if c.bad || len(c.b) > 0 {
		return nil, &ParseError{"client hello", "extensions"}
	}
	for _, s := range h.Suites {
		if s == SuiteRenegotiationSCSV {
			h.SecureRenegotiation = true
		}
	}
	for i := range h.Extensions {
		if !h.read(&h.Extensions[i]) {
			return nil, &ParseError{"client hello", ExtensionName(h.Extensions[i].Type) + " extension"}
		}
	}
	return h, nil
}

func (h *ClientHello) read(e *Extension) bool {
	c := cursor{b: e.Data}
	ok := true
	switch e.Type {
	case ExtServerName:
		h.ServerName, ok = serverName(e.Data)
	case ExtALPN:
		h.ALPN, ok = alpnNames(e.Data)
	case ExtKeyShare:
		h.KeyShares, ok = keyShareGroups(e.Data)
	case ExtSupportedVersions:
		h.Versions = c.u16s(c.vec8())
	case ExtSupportedGroups:
		h.Groups = c.u16s(c.vec16())
	case ExtSignatureAlgorithms:
		h.SignatureSchemes = c.u16s(c.vec16())
	case ExtPointFormats:
		h.PointFormats = c.vec8()
	case ExtRenegotiationInfo:
		h.SecureRenegotiation, h.RenegotiationInfo = true, c.vec8()
	case ExtExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	case ExtEncryptThenMAC:
		h.EncryptThenMAC = true
	case ExtSessionTicket:
		h.SessionTicket = true
	case ExtPostHandshakeAuth:
		h.PostHandshakeAuth = true
	case ExtEarlyData:
		h.EarlyData = true
	case ExtEncryptedClientHello:
		h.EncryptedHello = true
	}
	return ok && !c.bad
}

// BuildExtensions sets Extensions from the typed fields (key shares, early data and ECH apart), in order of number.
func (h *ClientHello) BuildExtensions() {
	var e Extensions
	if h.ServerName != "" {
		e = append(e, extServerName(h.ServerName))
	}
	if h.Groups != nil {
		e = append(e, extU16s(ExtSupportedGroups, h.Groups))
	}
	if h.PointFormats != nil {
		e = append(e, Extension{ExtPointFormats, appendBytes(nil, 1, h.PointFormats)})
	}
	if h.SignatureSchemes != nil {
		e = append(e, extU16s(ExtSignatureAlgorithms, h.SignatureSchemes))
	}
	if h.ALPN != nil {
		e = append(e, extALPN(h.ALPN))
	}
	for _, flag := range []struct {
		set bool
		typ uint16
	}{
		{h.EncryptThenMAC, ExtEncryptThenMAC},
		{h.ExtendedMasterSecret, ExtExtendedMasterSecret},
		{h.SessionTicket, ExtSessionTicket},
		{h.PostHandshakeAuth, ExtPostHandshakeAuth},
	} {
		if flag.set {
			e = append(e, Extension{flag.typ, nil})
		}
	}
	if h.Versions != nil {
		e = append(e, Extension{ExtSupportedVersions, appendBytes(nil, 1, appendU16s(nil, h.Versions))})
	}
	if h.RenegotiationInfo != nil {
		e = append(e, Extension{ExtRenegotiationInfo, appendBytes(nil, 1, h.RenegotiationInfo)})
	}
	h.Extensions = e
}

// AppendClientHello appends the message, header included.
func AppendClientHello(dst []byte, h *ClientHello) []byte {
	dst = append(dst, MsgClientHello)
	return appendVec(dst, 3, func(d []byte) []byte {
		d = appendU16(d, h.Version)
		d = append(d, h.Random[:]...)
		d = appendBytes(d, 1, h.SessionID)
		d = appendVec(d, 2, func(d []byte) []byte { return appendU16s(d, h.Suites) })
		d = appendBytes(d, 1, h.Compression)
		if h.Extensions == nil {
			return d
		}
		return appendExtensions(d, h.Extensions)
	})
}
