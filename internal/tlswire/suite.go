package tlswire

import "strings"

// CipherKind is how a bulk cipher protects a record.
type CipherKind uint8

// The kinds of protection.
const (
	KindStream CipherKind = iota // MAC, then a stream cipher or none
	KindCBC                      // MAC and padding, in either order (RFC 7366)
	KindAEAD
)

// Cipher is a bulk cipher; sizes in bytes.
type Cipher struct {
	Name     string // as in the suite's name: "AES_128_GCM"
	Kind     CipherKind
	Key      int
	Block    int // CBC: block and IV size
	FixedIV  int // AEAD: the part of the nonce that the key block gives (all of it in TLS 1.3)
	Explicit int // AEAD: the part of the nonce that each record carries in TLS 1.2
	Tag      int
}

// Suite is a cipher suite taken apart.
type Suite struct {
	ID     uint16
	Name   string // IANA name
	KX     string // key exchange and authentication as in the name: "RSA", "ECDHE_RSA"; "" in TLS 1.3
	Cipher Cipher
	MAC    string // "MD5", "SHA", "SHA256", "SHA384"; "" for AEAD
	PRF    string // hash of the TLS 1.2 PRF or of the TLS 1.3 key schedule: "SHA256" or "SHA384"
}

var ciphers = [...]Cipher{
	{Name: "NULL"},
	{Name: "RC4_128", Key: 16},
	{Name: "DES_CBC", Kind: KindCBC, Key: 8, Block: 8},
	{Name: "IDEA_CBC", Kind: KindCBC, Key: 16, Block: 8},
	{Name: "3DES_EDE_CBC", Kind: KindCBC, Key: 24, Block: 8},
	{Name: "SEED_CBC", Kind: KindCBC, Key: 16, Block: 16},
	{Name: "AES_128_CBC", Kind: KindCBC, Key: 16, Block: 16},
	{Name: "AES_256_CBC", Kind: KindCBC, Key: 32, Block: 16},
	{Name: "CAMELLIA_128_CBC", Kind: KindCBC, Key: 16, Block: 16},
	{Name: "CAMELLIA_256_CBC", Kind: KindCBC, Key: 32, Block: 16},
	{Name: "ARIA_128_CBC", Kind: KindCBC, Key: 16, Block: 16},
	{Name: "ARIA_256_CBC", Kind: KindCBC, Key: 32, Block: 16},
	{Name: "AES_128_GCM", Kind: KindAEAD, Key: 16, FixedIV: 4, Explicit: 8, Tag: 16},
	{Name: "AES_256_GCM", Kind: KindAEAD, Key: 32, FixedIV: 4, Explicit: 8, Tag: 16},
	{Name: "CAMELLIA_128_GCM", Kind: KindAEAD, Key: 16, FixedIV: 4, Explicit: 8, Tag: 16},
	{Name: "CAMELLIA_256_GCM", Kind: KindAEAD, Key: 32, FixedIV: 4, Explicit: 8, Tag: 16},
	{Name: "ARIA_128_GCM", Kind: KindAEAD, Key: 16, FixedIV: 4, Explicit: 8, Tag: 16},
	{Name: "ARIA_256_GCM", Kind: KindAEAD, Key: 32, FixedIV: 4, Explicit: 8, Tag: 16},
	{Name: "AES_128_CCM", Kind: KindAEAD, Key: 16, FixedIV: 4, Explicit: 8, Tag: 16},
	{Name: "AES_256_CCM", Kind: KindAEAD, Key: 32, FixedIV: 4, Explicit: 8, Tag: 16},
	{Name: "AES_128_CCM_8", Kind: KindAEAD, Key: 16, FixedIV: 4, Explicit: 8, Tag: 8},
	{Name: "AES_256_CCM_8", Kind: KindAEAD, Key: 32, FixedIV: 4, Explicit: 8, Tag: 8},
	{Name: "CHACHA20_POLY1305", Kind: KindAEAD, Key: 32, FixedIV: 12, Tag: 16},
}

// SuiteName returns the IANA name of a suite, "GREASE" for those values, its number as hex when it is not known.
func SuiteName(id uint16) string { return nameIn(suiteNames[:], id) }

// SuiteByID takes a suite apart; ok is false for signalling, export and unknown suites.
func SuiteByID(id uint16) (s Suite, ok bool) {
	s.ID, s.Name = id, SuiteName(id)
	rest, found := strings.CutPrefix(s.Name, "TLS_")
	if !found {
		return s, false
	}
	bulk := rest
	if kx, b, with := strings.Cut(rest, "_WITH_"); with {
		s.KX, bulk = kx, b
	}
	mac := ""
	for _, hash := range [...]string{"_SHA256", "_SHA384", "_SHA", "_MD5"} {
		if b, cut := strings.CutSuffix(bulk, hash); cut {
			bulk, mac = b, hash[1:]
			break
		}
	}
	s.PRF = "SHA256"
	if mac == "SHA384" {
		s.PRF = mac
	}
	for i := range ciphers {
		if ciphers[i].Name == bulk {
			s.Cipher = ciphers[i]
			if s.Cipher.Kind != KindAEAD {
				s.MAC = mac
			}
			return s, !strings.Contains(s.KX, "EXPORT") && id != 0
		}
	}
	return s, false
}

// TLS13 reports whether the suite is one of TLS 1.3.
func (s *Suite) TLS13() bool { return s.KX == "" }

// Ephemeral reports whether the key exchange has forward secrecy: the server's key does not decrypt it.
func (s *Suite) Ephemeral() bool {
	return s.KX == "" || strings.HasPrefix(s.KX, "ECDHE_") || strings.HasPrefix(s.KX, "DHE_") || strings.HasSuffix(s.KX, "_anon")
}

// MACLen is the size of the suite's MAC in bytes, 0 for AEAD.
func (s *Suite) MACLen() int {
	switch s.MAC {
	case "MD5":
		return 16
	case "SHA":
		return 20
	case "SHA256":
		return 32
	case "SHA384":
		return 48
	}
	return 0
}
