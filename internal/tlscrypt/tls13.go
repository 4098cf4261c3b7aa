package tlscrypt

import (
	"crypto/hkdf"
	"crypto/hmac"
	"fmt"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// The labels of RFC 8446 section 7.1 for [DeriveSecret].
const (
	LabelExtBinder              = "ext binder"
	LabelResBinder              = "res binder"
	LabelClientEarlyTraffic     = "c e traffic"
	LabelEarlyExporter          = "e exp master"
	LabelDerived                = "derived"
	LabelClientHandshakeTraffic = "c hs traffic"
	LabelServerHandshakeTraffic = "s hs traffic"
	LabelClientTraffic          = "c ap traffic"
	LabelServerTraffic          = "s ap traffic"
	LabelExporter               = "exp master"
	LabelResumption             = "res master"
)

// HashLen is the size of a suite's PRF hash ("SHA256", "SHA384") in bytes: that of every secret of TLS 1.3 under it.
func HashLen(prf string) int { return prfHash(prf)().Size() }

// ExpandLabel is HKDF-Expand-Label (RFC 8446 section 7.1) with n bytes of output, 0..255 times the hash. label and context are at
// most 249 and 255 bytes.
func ExpandLabel(prf string, secret []byte, label string, context []byte, n int) ([]byte, error) {
	if len(label) > 249 || len(context) > 255 || n < 0 {
		return nil, fmt.Errorf("expand label: it holds no label of %d bytes, context of %d and output of %d", len(label), len(context), n)
	}
	info := append(make([]byte, 0, 10+len(label)+len(context)), byte(n>>8), byte(n), byte(6+len(label)))
	info = append(append(append(info, "tls13 "...), label...), byte(len(context)))
	out, err := hkdf.Expand(prfHash(prf), secret, string(append(info, context...)), n)
	if err != nil {
		return nil, fmt.Errorf("expand label %q: %w", label, err)
	}
	return out, nil
}

// DeriveSecret is Derive-Secret; transcript is the hash of the messages so far, nil for none at all (RFC 8446 section 7.1).
func DeriveSecret(prf string, secret []byte, label string, transcript []byte) ([]byte, error) {
	if transcript == nil {
		transcript = prfHash(prf)().Sum(nil)
	}
	return ExpandLabel(prf, secret, label, transcript, HashLen(prf))
}

// EarlySecret begins the key schedule with a PSK, nil for none.
func EarlySecret(prf string, psk []byte) ([]byte, error) { return extract(prf, nil, psk) }

// HandshakeSecret goes on with the (EC)DHE secret, nil for none.
func HandshakeSecret(prf string, early, shared []byte) ([]byte, error) {
	return nextSecret(prf, early, shared)
}

// MainSecret ends it: the secret of the application's traffic ("Master Secret" in RFC 8446).
func MainSecret(prf string, handshake []byte) ([]byte, error) { return nextSecret(prf, handshake, nil) }

func nextSecret(prf string, secret, input []byte) ([]byte, error) {
	salt, err := DeriveSecret(prf, secret, LabelDerived, nil)
	if err != nil {
		return nil, err
	}
	return extract(prf, salt, input)
}

func extract(prf string, salt, input []byte) ([]byte, error) {
	if input == nil {
		input = make([]byte, HashLen(prf))
	}
	out, err := hkdf.Extract(prfHash(prf), input, salt)
	if err != nil {
		return nil, fmt.Errorf("extract secret: %w", err)
	}
	return out, nil
}

// TrafficKeys derives the key and the IV of one direction (RFC 8446 section 7.3).
func TrafficKeys(s *tlswire.Suite, secret []byte) (key, iv []byte, err error) {
	if len(secret) != HashLen(s.PRF) {
		return nil, nil, fmt.Errorf("set up %s: a traffic secret of %d bytes, it has %d", s.Name, len(secret), HashLen(s.PRF))
	}
	if key, err = ExpandLabel(s.PRF, secret, "key", nil, s.Cipher.Key); err != nil {
		return nil, nil, err
	}
	iv, err = ExpandLabel(s.PRF, secret, "iv", nil, 12)
	return key, iv, err
}

// NextTrafficSecret is the secret after a KeyUpdate (RFC 8446 section 7.2).
func NextTrafficSecret(prf string, secret []byte) ([]byte, error) {
	return ExpandLabel(prf, secret, "traffic upd", nil, HashLen(prf))
}

// ResumptionPSK is the PSK of a NewSessionTicket with this nonce (RFC 8446 section 4.6.1).
func ResumptionPSK(prf string, resumption, nonce []byte) ([]byte, error) {
	return ExpandLabel(prf, resumption, "resumption", nonce, HashLen(prf))
}

// Finished13 is the verify data of a Finished or a PSK binder of TLS 1.3 under the base key (RFC 8446 section 4.4.4).
func Finished13(prf string, baseKey, transcript []byte) ([]byte, error) {
	key, err := ExpandLabel(prf, baseKey, "finished", nil, HashLen(prf))
	if err != nil {
		return nil, err
	}
	mac := hmac.New(prfHash(prf), key)
	mac.Write(transcript)
	return mac.Sum(nil), nil
}
