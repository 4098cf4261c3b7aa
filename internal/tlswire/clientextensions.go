package tlswire

// read takes over what extension e says; false for a malformed one.
func (h *ClientHello) read(e *Extension) bool {
	c := cursor{b: e.Data}
	ok := true
	switch e.Type {
	case ExtServerName:
		h.ServerName, ok = serverName(e.Data)
	case ExtALPN:
		h.ALPN, ok = alpnNames(e.Data)
	case ExtKeyShare:
		h.KeyShares, ok = keyShares(e.Data)
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
	case ExtPreSharedKey:
		h.PSKIdentities, ok = pskIdentities(e.Data)
	default:
		h.readFlag(e)
		h.readRare(e)
	}
	return ok && !c.bad
}

// readFlag takes over the extensions that say something by being there.
func (h *ClientHello) readFlag(e *Extension) {
	switch e.Type {
	case ExtExtendedMasterSecret:
		h.ExtendedMasterSecret = true
	case ExtEncryptThenMAC:
		h.EncryptThenMAC = true
	case ExtSessionTicket:
		h.SessionTicket = true
		if len(e.Data) > 0 {
			h.Ticket = e.Data
		}
	case ExtPostHandshakeAuth:
		h.PostHandshakeAuth = true
	case ExtEarlyData:
		h.EarlyData = true
	case ExtEncryptedClientHello:
		h.EncryptedHello = true
	case ExtStatusRequest:
		h.StatusRequest = true
	case ExtSCT:
		h.SCT = true
	case ExtNextProtocol:
		h.NextProtocol = true
	case ExtPadding:
		h.Padding = len(e.Data)
	}
}

// readRare takes over extensions that nothing here depends on: a malformed one leaves its field empty.
func (h *ClientHello) readRare(e *Extension) {
	c := cursor{b: e.Data}
	switch e.Type {
	case ExtPSKModes:
		h.PSKModes = c.vec8()
	case ExtCookie:
		h.Cookie = c.vec16()
	case ExtSignatureAlgorithmsCert:
		h.CertSchemes = c.u16s(c.vec16())
	case ExtCompressCertificate:
		h.CompressCerts = c.u16s(c.vec8())
	case ExtDelegatedCredential:
		h.DelegatedSchemes = c.u16s(c.vec16())
	case ExtRecordSizeLimit:
		h.RecordSizeLimit = c.u16()
	case ExtMaxFragmentLength:
		h.MaxFragmentCode = c.u8()
	case ExtALPS, ExtALPSOld:
		if names, ok := alpnNames(e.Data); ok {
			h.ALPS = names
		}
	}
}
