package decrypt

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

func made(t uint8, body []byte) tlswire.Message {
	raw := tlswire.AppendMessage(nil, t, body)
	return tlswire.Message{Type: t, Length: len(body), Body: raw[tlswire.MessageHeaderLen:], Raw: raw}
}

func fromRaw(raw []byte) tlswire.Message { return made(raw[0], raw[tlswire.MessageHeaderLen:]) }

func TestDescribeClientHello(t *testing.T) {
	h := &tlswire.ClientHello{Version: tlswire.VersionTLS12, Random: [32]byte{0xab}, SessionID: []byte{1, 2}, Suites: []uint16{0x1a1a, 0x1301, 0xc02f},
		Compression: []byte{0}, ServerName: "a.test", ALPN: []string{"h2"}, Versions: []uint16{0x2a2a, tlswire.VersionTLS13}, Groups: []uint16{0x11ec, 29},
		SignatureSchemes: []uint16{0x0403}, SecureRenegotiation: true, RenegotiationInfo: []byte("before"), ExtendedMasterSecret: true}
	h.BuildExtensions()
	h.Extensions = append(h.Extensions, tlswire.Extension{Type: tlswire.ExtKeyShare, Data: []byte{0, 5, 0, 29, 0, 1, 7}},
		tlswire.Extension{Type: tlswire.ExtSessionTicket, Data: []byte("t")}, tlswire.Extension{Type: 0x7777})
	got, err := describe(fromRaw(tlswire.AppendClientHello(nil, h)), 0, "")
	if err != nil || got.Kind != fact.TLSClientHello || got.Size == 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	d := got.Detail.(*fact.ClientHello)
	if !strings.HasPrefix(d.JA4, "t13d0210h2_") || len(d.JA3) != 32 {
		t.Errorf("fingerprints %s, %s", d.JA3, d.JA4)
	}
	d.JA3, d.JA4 = "", ""
	want := &fact.ClientHello{Version: "TLS 1.2", Versions: []string{"GREASE", "TLS 1.3"}, Random: "ab" + strings.Repeat("00", 31), SessionID: "0102",
		ServerName: "a.test", ALPN: []string{"h2"}, Suites: []string{"GREASE", "TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		Groups: []string{"X25519MLKEM768", "x25519"}, KeyShares: []string{"x25519"}, SignatureSchemes: []string{"ecdsa_secp256r1_sha256"},
		Extensions: []string{"server_name", "supported_groups", "signature_algorithms", "application_layer_protocol_negotiation", "extended_master_secret",
			"supported_versions", "renegotiation_info", "key_share", "session_ticket", "0x7777"},
		SecureRenegotiation: true, Renegotiation: true, ExtendedMasterSecret: true, SessionTicket: true, OffersTicket: true}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got  %+v\nwant %+v", d, want)
	}
}

func TestDescribeServerHello(t *testing.T) {
	h := &tlswire.ServerHello{Version: tlswire.VersionTLS12, Suite: 0x1301, Extensions: tlswire.Extensions{
		{Type: tlswire.ExtSupportedVersions, Data: []byte{3, 4}}, {Type: tlswire.ExtKeyShare, Data: []byte{0x11, 0xec, 0, 1, 9}}, {Type: tlswire.ExtPreSharedKey, Data: []byte{0, 0}}}}
	got, err := describe(fromRaw(tlswire.AppendServerHello(nil, h)), 0, "")
	d := got.Detail.(*fact.ServerHello)
	if err != nil || got.Kind != fact.TLSServerHello || got.Code != 0x0304 || got.Text != "TLS_AES_128_GCM_SHA256" || d.Version != "TLS 1.3" || d.Group != "X25519MLKEM768" || !d.AcceptsPSK {
		t.Errorf("got %+v %+v, %v", got, d, err)
	}
	h.HelloRetry = true
	if f := serverHelloFact(h); f.Kind != fact.TLSHelloRetryRequest {
		t.Errorf("a HelloRetryRequest is %s", f.Kind)
	}
}

// Each message with what its fact says beside the kind.
func TestDescribeMessages(t *testing.T) {
	for _, tt := range []struct {
		name    string
		m       tlswire.Message
		version uint16
		kx      string
		want    fact.Fact
	}{
		{"hello request", made(0, nil), 0x303, "RSA", fact.Fact{Kind: fact.TLSHelloRequest}},
		{"encrypted extensions", made(8, []byte("\x00\x0d\x00\x10\x00\x05\x00\x03\x02h2\x00\x2a\x00\x00")), 0x304, "", fact.Fact{Kind: fact.TLSEncryptedExtensions,
			Detail: &fact.ServerHello{ALPN: "h2", AcceptsEarlyData: true, Extensions: []string{"application_layer_protocol_negotiation", "early_data"}}}},
		{"empty certificate", made(11, []byte{0, 0, 0}), 0x303, "RSA", fact.Fact{Kind: fact.TLSCertificate, Detail: &fact.Certificates{Chain: []fact.Certificate{}}}},
		{"empty certificate after the handshake", made(11, []byte{1, 0xaa, 0, 0, 0}), 0x304, "", fact.Fact{Kind: fact.TLSCertificate,
			Detail: &fact.Certificates{Chain: []fact.Certificate{}, Context: "aa"}}},
		{"certificate request", fromRaw(tlswire.AppendCertificateRequest(nil, &tlswire.CertificateRequest{Types: []uint8{1, 64}, SignatureSchemes: []uint16{0x0401},
			Authorities: [][]byte{[]byte("\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01A"), []byte("junk")}}, 0x303)), 0x303, "RSA",
			fact.Fact{Kind: fact.TLSCertificateRequest, Detail: &fact.CertificateRequest{Types: []string{"rsa_sign", "ecdsa_sign"}, SignatureSchemes: []string{"rsa_pkcs1_sha256"}, Authorities: []string{"CN=A", "#6a756e6b"}}}},
		{"ECDHE", made(12, append(tlswire.AppendECDHEParams(nil, 29, []byte("point")), 4, 1, 0, 1, 's')), 0x303, "ECDHE_RSA",
			fact.Fact{Kind: fact.TLSServerKeyExchange, Detail: &fact.KeyExchange{Kind: "ECDHE_RSA", Group: "x25519"}}},
		{"DHE", made(12, []byte{0, 2, 0x80, 1, 0, 1, 2, 0, 1, 8, 0, 1, 's'}), 0x301, "DHE_RSA", fact.Fact{Kind: fact.TLSServerKeyExchange, Detail: &fact.KeyExchange{Kind: "DHE_RSA", Bits: 16}}},
		{"hint", made(12, []byte("\x00\x04hint")), 0x303, "PSK", fact.Fact{Kind: fact.TLSServerKeyExchange, Detail: &fact.KeyExchange{Kind: "PSK", Hint: "hint"}}},
		{"identity", made(16, []byte("\x00\x02\x01\xff\x00\x01y")), 0x303, "DHE_PSK", fact.Fact{Kind: fact.TLSClientKeyExchange, Detail: &fact.KeyExchange{Kind: "DHE_PSK", Hint: "01ff"}}},
		{"certificate verify", made(15, []byte{8, 4, 0, 1, 's'}), 0x304, "", fact.Fact{Kind: fact.TLSCertificateVerify, Text: "rsa_pss_rsae_sha256"}},
		{"certificate verify without a scheme", made(15, []byte{0, 1, 's'}), 0x301, "RSA", fact.Fact{Kind: fact.TLSCertificateVerify}},
		{"ticket", made(4, []byte{0, 0, 1, 0, 0, 3, 1, 2, 3}), 0x303, "RSA", fact.Fact{Kind: fact.TLSNewSessionTicket, Detail: &fact.SessionTicket{Lifetime: 256, Length: 3}}},
		{"ticket of TLS 1.3", made(4, []byte{0, 0, 1, 0, 9, 9, 9, 9, 1, 0, 0, 1, 't', 0, 8, 0, 42, 0, 4, 0, 0, 0x40, 0}), 0x304, "",
			fact.Fact{Kind: fact.TLSNewSessionTicket, Detail: &fact.SessionTicket{Lifetime: 256, Length: 1, EarlyData: 16384}}},
		{"status", made(22, []byte{1, 0, 0, 2, 1, 2}), 0x303, "RSA", fact.Fact{Kind: fact.TLSCertificateStatus, Size: 2}},
		{"key update", made(24, []byte{1}), 0x304, "", fact.Fact{Kind: fact.TLSKeyUpdate, Code: 1}},
		{"next protocol", made(67, []byte("\x02h2\x00")), 0x303, "RSA", fact.Fact{Kind: fact.TLSOtherMessage, Code: 67, Text: "next_protocol", Size: 4}},
		{"brotli", made(25, []byte{0, 2, 0, 0, 9, 0, 0, 1, 0}), 0x304, "", fact.Fact{Kind: fact.TLSOtherMessage, Code: 25, Text: "compressed_certificate", Size: 9}},
		{"too long", tlswire.Message{Type: 11, Length: 1 << 20}, 0x303, "RSA", fact.Fact{Kind: fact.TLSCertificate}},
	} {
		got, err := describe(tt.m, tt.version, tt.kx)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got  %+v %+v, %v\nwant %+v %+v", tt.name, got, got.Detail, err, tt.want, tt.want.Detail)
		}
	}
}

func TestDescribeCompressedCertificate(t *testing.T) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write([]byte{0, 0, 0, 6, 0, 0, 1, 'x', 0, 0})
	_ = w.Close()
	body := append([]byte{0, 1, 0, 0, 10, 0, 0, byte(z.Len())}, z.Bytes()...)
	got, err := describe(made(25, body), 0x304, "")
	if d, is := got.Detail.(*fact.Certificates); err != nil || !is || got.Kind != fact.TLSOtherMessage || len(d.Chain) != 1 || d.Chain[0].Error == "" {
		t.Errorf("got %+v %+v, %v", got, got.Detail, err)
	}
}

// A message that cannot be read is still a message of its type.
func TestDescribeMalformed(t *testing.T) {
	for typ := range 256 {
		for _, body := range [][]byte{nil, {0}, {0xff, 0xff}, bytes.Repeat([]byte{0xff}, 100)} {
			for _, version := range []uint16{0x300, 0x303, 0x304} {
				f, err := describe(made(uint8(typ), body), version, "ECDHE_RSA")
				var parse *tlswire.ParseError
				if f.Kind == fact.None || err != nil && !errors.As(err, &parse) {
					t.Fatalf("type %d: %+v, %v", typ, f, err)
				}
			}
		}
	}
	f, err := describe(made(1, append([]byte{3, 3}, bytes.Repeat([]byte{7}, 32)...)), 0, "")
	if d, is := f.Detail.(*fact.ClientHello); !is || err == nil || d.Random != strings.Repeat("07", 32) || d.JA3 != "" {
		t.Errorf("half a hello: %+v, %v", f.Detail, err)
	}
}

func TestDescribeSSL2(t *testing.T) {
	msg := append([]byte{1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 0x2f, 7, 0, 0xc0}, bytes.Repeat([]byte{9}, 16)...)
	f, h, err := describeSSL2(msg)
	if err != nil || h == nil || f.Kind != fact.TLSClientHello || f.Size != 31 {
		t.Fatalf("got %+v, %v", f, err)
	}
	d := f.Detail.(*fact.ClientHello)
	if !reflect.DeepEqual(d.Suites, []string{"TLS_RSA_WITH_AES_128_CBC_SHA", "SSL2_DES_192_EDE3_CBC_WITH_MD5"}) || d.Version != "TLS 1.0" || d.JA3 != "" {
		t.Errorf("got %+v", d)
	}
	if f, h, err := describeSSL2(msg[:30]); err == nil || h != nil || f.Kind != fact.TLSClientHello || f.Detail != nil {
		t.Errorf("cut: %+v, %v", f, err)
	}
}

func TestListsAreBounded(t *testing.T) {
	h := &tlswire.ClientHello{Suites: make([]uint16, 5000), ALPN: []string{strings.Repeat("x", 5000)}}
	d := describeClientHello(h)
	if len(d.Suites) != maxNames+1 || d.Suites[maxNames] != "and 4800 more" || len(d.ALPN[0]) != maxText {
		t.Errorf("%d suites, the last %s; ALPN of %d bytes", len(d.Suites), d.Suites[len(d.Suites)-1], len(d.ALPN[0]))
	}
}

// FuzzDescribe: whatever a message holds, its fact is bounded and of the kind of its type.
func FuzzDescribe(f *testing.F) {
	f.Add(uint8(1), uint16(0x303), "RSA", []byte("\x03\x03"+strings.Repeat("r", 32)+"\x00\x00\x02\x13\x01\x01\x00\x00\x04\x00\x17\x00\x00"))
	f.Add(uint8(2), uint16(0x304), "", []byte("\x03\x03"+strings.Repeat("r", 32)+"\x00\x13\x01\x00"))
	f.Add(uint8(11), uint16(0x304), "", []byte{0, 0, 0, 6, 0, 0, 1, 'x', 0, 0})
	f.Add(uint8(12), uint16(0x303), "DHE_PSK", []byte("\x00\x01h\x00\x01\x17\x00\x01\x02\x00\x01\x08"))
	f.Add(uint8(13), uint16(0x303), "RSA", []byte("\x01\x01\x00\x02\x04\x01\x00\x04\x00\x02dn"))
	f.Fuzz(func(t *testing.T, typ uint8, version uint16, kx string, body []byte) {
		if len(body) > tlswire.MaxMessage {
			return
		}
		got, err := describe(made(typ, body), version, kx)
		var parse *tlswire.ParseError
		if got.Kind == fact.None || err != nil && !errors.As(err, &parse) {
			t.Fatalf("got %+v, %v", got, err)
		}
		text, err := json.Marshal(got.Detail)
		if err != nil || len(text) > 3<<20 {
			t.Fatalf("%d bytes of JSON, %v", len(text), err)
		}
	})
}
