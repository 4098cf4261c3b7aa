package tlswire

import (
	"bytes"
	"crypto/tls"
	"reflect"
	"testing"
)

// FuzzRecords: cutting the stream never changes what is reported.
func FuzzRecords(f *testing.F) {
	f.Add(sampleStream()[:200], uint8(3), uint16(10))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"), uint8(1), uint16(0))
	f.Add([]byte("\x16\x03\x01\x00\x00\x15\x03\x01\x00\x02\x01"), uint8(2), uint16(6))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8, collect uint16) {
		whole := scan(t, int(collect), len(stream)+1, stream)
		if cut := scan(t, int(collect), int(step)+1, stream); cut != whole {
			t.Fatalf("by %d: %s\nwhole: %s", int(step)+1, cut, whole)
		}
	})
}

// FuzzPeek: a hello that is accepted serialises to the bytes that it was read from, and a longer beginning never changes it.
func FuzzPeek(f *testing.F) {
	f.Add(goHello(f, &tls.Config{ServerName: "a.test", NextProtos: []string{"h2"}}))
	f.Add(goHello(f, &tls.Config{ServerName: "a.test", MaxVersion: tls.VersionTLS12}))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := PeekClientHello(b)
		if (h == nil) == (err == nil) {
			t.Fatalf("got %v and %v", h, err)
		}
		if h == nil {
			return
		}
		raw := AppendClientHello(nil, h)
		again, err := ParseClientHello(raw[MessageHeaderLen:])
		if err != nil || !bytes.Equal(AppendClientHello(nil, again), raw) {
			t.Fatalf("the hello does not survive: %v", err)
		}
		if longer, err := PeekClientHello(append(b[:len(b):len(b)], 0x17)); err != nil || longer.ServerName != h.ServerName {
			t.Fatalf("one byte more changes the answer: %v", err)
		}
	})
}

// FuzzMessages: no parser panics, and what is accepted and can be written is written as it was read.
func FuzzMessages(f *testing.F) {
	f.Add(AppendServerHello(nil, &ServerHello{Version: VersionTLS12, Suite: 0x002f})[MessageHeaderLen:], uint8(2))
	f.Add(AppendCertificate(nil, [][]byte{{1}, {2, 3}})[MessageHeaderLen:], uint8(11))
	f.Add(AppendCertificateRequest(nil, &CertificateRequest{Types: []uint8{1}, SignatureSchemes: []uint16{1}}, VersionTLS12)[MessageHeaderLen:], uint8(13))
	f.Add([]byte("\x00\x00\x1c\x20\x01\x02\x03\x04\x01n\x00\x03tic\x00\x08\x00\x2a\x00\x04\x00\x00\x40\x00"), uint8(4))
	f.Add([]byte("\x00\x0d\x00\x10\x00\x05\x00\x03\x02h2\x00\x2a\x00\x00"), uint8(8))
	f.Add([]byte("\x02\x00\x00\x09\x00\x00\x00\x00\x00\x03abc"), uint8(22))
	f.Add(append(AppendECDHEParams(nil, 23, []byte("p")), 4, 1, 0, 1, 's'), uint8(12))
	f.Fuzz(func(t *testing.T, body []byte, kind uint8) {
		var got []byte
		switch kind {
		case MsgServerHello:
			h, err := ParseServerHello(body)
			if err != nil {
				return
			}
			got = AppendServerHello(nil, h)
		case MsgCertificate:
			_, _ = ParseCertificate(body, VersionTLS13)
			chain, err := ParseCertificate(body, VersionTLS12)
			if err != nil {
				return
			}
			got = AppendCertificate(nil, chain)
		case MsgCertificateRequest:
			_, _ = ParseCertificateRequest(body, VersionTLS13)
			r, err := ParseCertificateRequest(body, VersionTLS12)
			if err != nil {
				return
			}
			got = AppendCertificateRequest(nil, r, VersionTLS12)
		case MsgServerKeyExchange:
			for _, kx := range []string{"DHE_RSA", "DHE_PSK", "ECDHE_PSK", "SRP_SHA_RSA", "RSA_EXPORT"} {
				_, _ = ParseServerKeyExchange(body, kx, VersionTLS10)
			}
			k, err := ParseServerKeyExchange(body, "ECDHE_RSA", VersionTLS12)
			if err != nil {
				return
			}
			got = AppendServerKeyExchange(nil, k, VersionTLS12)
		case MsgClientKeyExchange:
			_, _ = ParseClientKeyExchangeMessage(body, "DHE_PSK", VersionTLS12)
			v, err := ParseClientKeyExchange(body, "RSA", VersionTLS12)
			if err != nil {
				return
			}
			got = AppendClientKeyExchange(nil, "RSA", v)
		case MsgCertificateVerify:
			s, err := ParseCertificateVerify(body, VersionTLS12)
			if err != nil {
				return
			}
			got = AppendCertificateVerify(nil, s, VersionTLS12)
		default:
			parseRest(body, kind)
			return
		}
		if !bytes.Equal(got[MessageHeaderLen:], body) {
			t.Fatalf("message %d: read %x, wrote %x", kind, body, got[MessageHeaderLen:])
		}
	})
}

// parseRest reads body as a message that this package does not write.
func parseRest(body []byte, kind uint8) {
	switch kind {
	case MsgNewSessionTicket:
		_, _ = ParseNewSessionTicket(body, VersionTLS12)
		_, _ = ParseNewSessionTicket(body, VersionTLS13)
	case MsgEncryptedExtensions:
		_, _ = ParseEncryptedExtensions(body)
	case MsgCertificateStatus:
		_, _ = ParseCertificateStatus(body)
	case MsgNextProtocol:
		_, _ = ParseNextProtocol(body)
	case MsgKeyUpdate:
		_, _ = ParseKeyUpdate(body)
	}
}

// FuzzHellos: what can be read of a hello has its fingerprints, and a hello without fault is the same by both ways of reading.
func FuzzHellos(f *testing.F) {
	f.Add(goHello(f, &tls.Config{ServerName: "a.test", NextProtos: []string{"h2"}})[RecordHeaderLen+MessageHeaderLen:])
	f.Add(AppendServerHello(nil, &ServerHello{Version: VersionTLS12, Suite: 0x1301, Extensions: Extensions{{ExtKeyShare, []byte{0, 29}}}})[MessageHeaderLen:])
	f.Add([]byte("\x01\x03\x01\x00\x03\x00\x00\x00\x10\x01\x00\x80challenge: 16 b."))
	f.Fuzz(func(t *testing.T, body []byte) {
		h, err := ReadClientHello(body)
		if strict, bad := ParseClientHello(body); h == nil || (bad == nil) != (err == nil) || bad == nil && !reflect.DeepEqual(strict, h) {
			t.Fatalf("read %+v, %v; parsed %+v, %v", h, err, strict, bad)
		}
		if a, b := h.JA3(), h.JA4(); len(a) != 32 || len(b) != 36 {
			t.Fatalf("fingerprints %q and %q", a, b)
		}
		s, err := ReadServerHello(body)
		if strict, bad := ParseServerHello(body); s == nil || (bad == nil) != (err == nil) || bad == nil && !reflect.DeepEqual(strict, s) {
			t.Fatalf("read %+v, %v; parsed %+v, %v", s, err, strict, bad)
		}
		_ = s.JA3S()
		if h, err := ParseSSL2ClientHello(body); (h == nil) == (err == nil) {
			t.Fatalf("got %v and %v", h, err)
		}
	})
}

// FuzzCompressedCertificate: nothing longer than announced comes out.
func FuzzCompressedCertificate(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0, 1, 0, 0, 9, 0x78, 0x9c, 0x63, 0, 0, 0, 1, 0, 1})
	f.Add([]byte{0, 3, 0, 0, 1, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := ParseCompressedCertificate(body)
		if err != nil {
			return
		}
		if out, err := m.Inflate(); err == nil && (len(out) != m.Length || len(out) > MaxMessage) {
			t.Fatalf("%d bytes of %d", len(out), m.Length)
		}
	})
}
