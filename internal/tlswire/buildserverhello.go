package tlswire

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
