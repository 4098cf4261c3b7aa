package tlswire

// Extension numbers that this package understands.
const (
	ExtServerName              uint16 = 0      // RFC 6066
	ExtMaxFragmentLength       uint16 = 1      // RFC 6066
	ExtStatusRequest           uint16 = 5      // RFC 6066
	ExtSupportedGroups         uint16 = 10     // RFC 8422, RFC 7919
	ExtPointFormats            uint16 = 11     // RFC 8422
	ExtSignatureAlgorithms     uint16 = 13     // RFC 5246
	ExtALPN                    uint16 = 16     // RFC 7301
	ExtSCT                     uint16 = 18     // RFC 6962
	ExtPadding                 uint16 = 21     // RFC 7685
	ExtEncryptThenMAC          uint16 = 22     // RFC 7366
	ExtExtendedMasterSecret    uint16 = 23     // RFC 7627
	ExtCompressCertificate     uint16 = 27     // RFC 8879
	ExtRecordSizeLimit         uint16 = 28     // RFC 8449
	ExtDelegatedCredential     uint16 = 34     // RFC 9345
	ExtSessionTicket           uint16 = 35     // RFC 5077
	ExtPreSharedKey            uint16 = 41     // RFC 8446
	ExtEarlyData               uint16 = 42     // RFC 8446
	ExtSupportedVersions       uint16 = 43     // RFC 8446
	ExtCookie                  uint16 = 44     // RFC 8446
	ExtPSKModes                uint16 = 45     // RFC 8446
	ExtPostHandshakeAuth       uint16 = 49     // RFC 8446
	ExtSignatureAlgorithmsCert uint16 = 50     // RFC 8446
	ExtKeyShare                uint16 = 51     // RFC 8446
	ExtNextProtocol            uint16 = 0x3374 // NPN, a draft
	ExtALPSOld                 uint16 = 0x4469 // application settings, a draft
	ExtALPS                    uint16 = 0x44cd // its later number
	ExtEncryptedClientHello    uint16 = 0xfe0d // RFC 9849
	ExtRenegotiationInfo       uint16 = 0xff01 // RFC 5746
)

// Extension is one hello extension as it was on the wire.
type Extension struct {
	Type uint16
	Data []byte
}

// Extensions is an extension block in order.
type Extensions []Extension

// Get returns the data of the first extension of type t; ok tells an empty one from none.
func (e Extensions) Get(t uint16) (data []byte, ok bool) {
	for i := range e {
		if e[i].Type == t {
			return e[i].Data, true
		}
	}
	return nil, false
}

// extensions reads an extension block; none at all (end of message) is allowed.
func (c *cursor) extensions() Extensions {
	if len(c.b) == 0 {
		return nil
	}
	return c.extensionBlock()
}

// extensionBlock reads a block that must be there.
func (c *cursor) extensionBlock() Extensions {
	block := cursor{b: c.vec16()}
	out := Extensions{} // a block that is there and empty differs from none
	for len(block.b) > 0 {
		t := block.u16()
		data := block.vec16()
		if block.bad {
			break
		}
		out = append(out, Extension{t, data})
	}
	if block.bad {
		c.bad = true
	}
	return out
}

func appendExtensions(dst []byte, e Extensions) []byte {
	return appendVec(dst, 2, func(d []byte) []byte {
		for _, x := range e {
			d = appendU16(d, x.Type)
			d = appendBytes(d, 2, x.Data)
		}
		return d
	})
}

// serverName reads the host_name of a server_name extension (RFC 6066 section 3).
func serverName(data []byte) (string, bool) {
	c := cursor{b: data}
	list := cursor{b: c.vec16()}
	for len(list.b) > 0 && !list.bad {
		kind := list.u8()
		name := list.vec16()
		if kind == 0 && !list.bad {
			return string(name), !c.bad
		}
	}
	return "", !c.bad && !list.bad
}

// alpnNames reads a list of protocol names (RFC 7301 section 3.1).
func alpnNames(data []byte) ([]string, bool) {
	c := cursor{b: data}
	list := cursor{b: c.vec16()}
	var out []string
	for len(list.b) > 0 {
		name := list.vec8()
		if list.bad || len(name) == 0 {
			return nil, false
		}
		out = append(out, string(name))
	}
	return out, !c.bad
}

// Builders of the extensions that our own hellos carry.

func extServerName(name string) Extension {
	return Extension{ExtServerName, appendVec(nil, 2, func(d []byte) []byte {
		return appendBytes(append(d, 0), 2, []byte(name))
	})}
}

func extALPN(names []string) Extension {
	return Extension{ExtALPN, appendVec(nil, 2, func(d []byte) []byte {
		for _, n := range names {
			d = appendBytes(d, 1, []byte(n))
		}
		return d
	})}
}

func extU16s(t uint16, v []uint16) Extension {
	return Extension{t, appendVec(nil, 2, func(d []byte) []byte { return appendU16s(d, v) })}
}
