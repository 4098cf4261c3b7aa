package tlswire

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"testing"
)

func TestClientHelloFieldsSurviveBuilding(t *testing.T) {
	h := &ClientHello{Version: VersionTLS12, Suites: []uint16{0xc02f, 0x002f}, Compression: []byte{0}, SessionID: []byte{1, 2},
		ServerName: "a.test", ALPN: []string{"http/1.1"}, Versions: []uint16{0x0a0a, VersionTLS12}, Groups: []uint16{23, 29}, PointFormats: []byte{0},
		SignatureSchemes: []uint16{0x0401}, SecureRenegotiation: true, RenegotiationInfo: []byte("twelve bytes"),
		ExtendedMasterSecret: true, EncryptThenMAC: true, SessionTicket: true, PostHandshakeAuth: true}
	h.BuildExtensions()
	raw := AppendClientHello(nil, h)
	got, err := ParseClientHello(raw[MessageHeaderLen:])
	if err != nil {
		t.Fatal(err)
	}
	if again := AppendClientHello(nil, got); !bytes.Equal(again, raw) {
		t.Errorf("the second serialisation differs")
	}
	got.Extensions, h.Extensions = nil, nil
	if !reflect.DeepEqual(got, h) {
		t.Errorf("got  %+v\nwant %+v", got, h)
	}
	if got.MaxVersion() != VersionTLS12 {
		t.Errorf("highest version %x: GREASE counted", got.MaxVersion())
	}
}

func TestServerHello(t *testing.T) {
	h := &ServerHello{Version: VersionTLS12, Suite: 0xc02f, SessionID: []byte{9}, ALPN: "h2", RenegotiationInfo: []byte{}, ExtendedMasterSecret: true, EncryptThenMAC: true}
	h.BuildExtensions()
	got, err := ParseServerHello(AppendServerHello(nil, h)[MessageHeaderLen:])
	if err != nil {
		t.Fatal(err)
	}
	got.Extensions, h.Extensions = nil, nil
	if !reflect.DeepEqual(got, h) || got.RenegotiationInfo == nil {
		t.Errorf("got  %+v\nwant %+v", got, h)
	}
	bare, err := ParseServerHello(AppendServerHello(nil, &ServerHello{Version: VersionTLS10, Suite: 0x002f})[MessageHeaderLen:])
	if err != nil || bare.RenegotiationInfo != nil || bare.Negotiated() != VersionTLS10 {
		t.Errorf("a hello without extensions: %+v, %v", bare, err)
	}
}

func TestCertificateMessages(t *testing.T) {
	chain := [][]byte{[]byte("leaf"), []byte("intermediate")}
	got, err := ParseCertificate(AppendCertificate(nil, chain)[MessageHeaderLen:], VersionTLS12)
	if err != nil || !reflect.DeepEqual(got, chain) {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := ParseCertificate([]byte{0, 0, 0}, VersionTLS12); err != nil || len(got) != 0 {
		t.Errorf("an empty list: %q, %v", got, err)
	}
	if got, err := ParseCertificate([]byte{0, 0, 0, 6, 0, 0, 1, 'x', 0, 0}, VersionTLS13); err != nil || len(got) != 1 {
		t.Errorf("TLS 1.3: %q, %v", got, err)
	}
	for _, v := range []uint16{VersionTLS10, VersionTLS12} {
		want := &CertificateRequest{Types: []uint8{CertTypeRSASign}, Authorities: [][]byte{[]byte("dn1"), []byte("dn2")}}
		if v >= VersionTLS12 {
			want.SignatureSchemes = []uint16{uint16(tls.PKCS1WithSHA256)}
		}
		got, err := ParseCertificateRequest(AppendCertificateRequest(nil, want, v)[MessageHeaderLen:], v)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", VersionName(v), got, err)
		}
	}
}

func TestKeyExchangeMessages(t *testing.T) {
	for _, v := range []uint16{VersionTLS10, VersionTLS12} {
		k := &ServerKeyExchange{Group: 23, Public: []byte("point"), Signed: Signature{Value: []byte("signature")}}
		if v >= VersionTLS12 {
			k.Signed.Scheme = 0x0401
		}
		k.Params = AppendECDHEParams(nil, k.Group, k.Public)
		got, err := ParseServerKeyExchange(AppendServerKeyExchange(nil, k, v)[MessageHeaderLen:], "ECDHE_RSA", v)
		if err != nil || !reflect.DeepEqual(got, k) {
			t.Errorf("%s: got %+v, %v", VersionName(v), got, err)
		}
		s, err := ParseCertificateVerify(AppendCertificateVerify(nil, k.Signed, v)[MessageHeaderLen:], v)
		if err != nil || !reflect.DeepEqual(s, k.Signed) {
			t.Errorf("%s: got %+v, %v", VersionName(v), s, err)
		}
	}
	dhe := []byte{0, 1, 23, 0, 1, 2, 0, 1, 8, 4, 1, 0, 1, 's'}
	if k, err := ParseServerKeyExchange(dhe, "DHE_RSA", VersionTLS12); err != nil || k.P[0] != 23 || k.Public[0] != 8 || len(k.Params) != 9 {
		t.Errorf("DHE: %+v, %v", k, err)
	}
	for _, kx := range []string{"RSA", "ECDHE_RSA", "DHE_RSA"} {
		v, err := ParseClientKeyExchange(AppendClientKeyExchange(nil, kx, []byte("value"))[MessageHeaderLen:], kx, VersionTLS12)
		if err != nil || string(v) != "value" {
			t.Errorf("%s: %q, %v", kx, v, err)
		}
	}
	if _, err := ParseServerKeyExchange([]byte{1, 2, 3}, "RSA", VersionTLS12); err == nil {
		t.Error("RSA has no server key exchange")
	}
}

func TestEveryTruncationIsRefused(t *testing.T) {
	ch := &ClientHello{Version: VersionTLS12, Suites: []uint16{0x002f}, Compression: []byte{0}, ServerName: "a.test", RenegotiationInfo: []byte{}}
	ch.BuildExtensions()
	sh := &ServerHello{Version: VersionTLS12, Suite: 0x002f, RenegotiationInfo: []byte{}}
	sh.BuildExtensions()
	cr := &CertificateRequest{Types: []uint8{1}, SignatureSchemes: []uint16{0x0401}, Authorities: [][]byte{{1}}}
	for name, tt := range map[string]struct {
		raw   []byte
		parse func([]byte) error
		bare  int // the length at which the message is whole without extensions
	}{
		"client hello":        {AppendClientHello(nil, ch), func(b []byte) error { _, err := ParseClientHello(b); return err }, 41},
		"server hello":        {AppendServerHello(nil, sh), func(b []byte) error { _, err := ParseServerHello(b); return err }, 38},
		"certificate":         {AppendCertificate(nil, [][]byte{{1, 2}}), func(b []byte) error { _, err := ParseCertificate(b, VersionTLS12); return err }, -1},
		"certificate request": {AppendCertificateRequest(nil, cr, VersionTLS12), func(b []byte) error { _, err := ParseCertificateRequest(b, VersionTLS12); return err }, -1},
	} {
		body := tt.raw[MessageHeaderLen:]
		for n := range len(body) {
			if err := tt.parse(body[:n]); (err == nil) != (n == tt.bare) {
				t.Errorf("%s cut to %d of %d: %v", name, n, len(body), err)
			}
		}
		if err := tt.parse(append(body[:len(body):len(body)], 0)); err == nil {
			t.Errorf("%s with a byte too many is accepted", name)
		}
	}
}
