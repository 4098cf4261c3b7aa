package tlswire

// KeyShare is one public key of a key_share extension (RFC 8446 section 4.2.8).
type KeyShare struct {
	Group uint16
	Key   []byte
}

// keyShares reads what a client sent.
func keyShares(data []byte) ([]KeyShare, bool) {
	c := cursor{b: data}
	list := cursor{b: c.vec16()}
	var out []KeyShare
	for len(list.b) > 0 {
		s := KeyShare{list.u16(), list.vec16()}
		if list.bad {
			return nil, false
		}
		out = append(out, s)
	}
	return out, !c.bad
}

// PSKIdentity is one identity of a client's pre_shared_key extension (RFC 8446 section 4.2.11): a ticket, or the name of a key.
type PSKIdentity struct {
	Identity      []byte
	ObfuscatedAge uint32 // milliseconds plus ticket_age_add, modulo 2^32
}

// Modes of psk_key_exchange_modes (RFC 8446 section 4.2.9).
const (
	PSKModeKE    uint8 = 0 // psk_ke: without (EC)DHE
	PSKModeDHEKE uint8 = 1 // psk_dhe_ke
)

// pskIdentities reads the identities; the binders behind them are left alone but for their length.
func pskIdentities(data []byte) ([]PSKIdentity, bool) {
	c := cursor{b: data}
	list := cursor{b: c.vec16()}
	var out []PSKIdentity
	for len(list.b) > 0 {
		id := PSKIdentity{Identity: list.vec16()}
		id.ObfuscatedAge = list.u32()
		if list.bad || len(id.Identity) == 0 {
			return nil, false
		}
		out = append(out, id)
	}
	c.vec16() // binders
	return out, !c.bad && len(c.b) == 0
}
