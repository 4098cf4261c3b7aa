package tlswire

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
