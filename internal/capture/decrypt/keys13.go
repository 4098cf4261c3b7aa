package decrypt

import (
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/capture/tlsrecord"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlscrypt"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// keys13 are the traffic secrets of a TLS 1.3 connection, nil where they are not known.
type keys13 struct {
	random  [32]byte
	suite   tlswire.Suite
	secrets [2][epochApplication + 1][]byte // by side and epoch
	halves  [2][epochApplication + 1]*tlscrypt.Half
	source  string
	proven  bool
	hidden  bool // the random number that they stand under is not known: Encrypted Client Hello, or the capture lacks the hello
	plan    *schedule
	dark    *dark // there is none of them
}

var labels13 = [2][epochApplication + 1]struct {
	label secrets.Label
	name  string
}{
	{epochEarly: {secrets.ClientEarlyTraffic, "CLIENT_EARLY_TRAFFIC_SECRET"},
		epochHandshake:   {secrets.ClientHandshakeTraffic, "CLIENT_HANDSHAKE_TRAFFIC_SECRET"},
		epochApplication: {secrets.ClientTraffic, "CLIENT_TRAFFIC_SECRET_0"}},
	{epochHandshake: {secrets.ServerHandshakeTraffic, "SERVER_HANDSHAKE_TRAFFIC_SECRET"},
		epochApplication: {secrets.ServerTraffic, "SERVER_TRAFFIC_SECRET_0"}},
}

// load looks the secrets of a client random up; false when there is none.
func (k *keys13) load(src source, random []byte) bool {
	any := false
	if src.Store == nil {
		return false
	}
	if k.random == [32]byte{} { // else it is that of the hello on the wire, by which readers of a key log look
		copy(k.random[:], random)
	}
	k.source = sourceLog
	for side := range labels13 {
		for e := epochEarly; e <= epochApplication; e++ {
			if labels13[side][e].name == "" {
				continue
			}
			k.secrets[side][e] = src.Traffic(labels13[side][e].label, random)
			any = any || k.secrets[side][e] != nil && e != epochEarly
		}
	}
	return any
}

// half returns the protection of a side in an epoch, nil when its secret is not known.
func (k *keys13) half(side int, e epoch) *tlscrypt.Half {
	if k.halves[side][e] == nil && k.secrets[side][e] != nil {
		if h, err := tlscrypt.NewHalf13(&k.suite, k.secrets[side][e]); err == nil {
			k.halves[side][e] = h
		}
	}
	return k.halves[side][e]
}

// proven13 notes that the secrets are the right ones.
func (s *Session) proven13(r *tlsrecord.Record) {
	k := s.keys
	if k == nil || k.proven {
		return
	}
	k.proven = true
	s.info.Source = k.source
	s.fact(fact.Fact{Kind: fact.TLSDecryptable, Text: k.source}, r)
	for side := range labels13 {
		for e := epochEarly; e <= epochApplication; e++ {
			s.logLine(labels13[side][e].name, k.random[:], k.secrets[side][e])
		}
	}
}
