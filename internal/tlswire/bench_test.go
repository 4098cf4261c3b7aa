package tlswire

import "testing"

func BenchmarkReadClientHello(b *testing.B) {
	h := describedHello()
	h.Compression = []byte{0}
	for i := range h.Extensions {
		switch e := &h.Extensions[i]; e.Type {
		case ExtServerName:
			*e = extServerName("www.example.com")
		case ExtALPN:
			*e = extALPN(h.ALPN)
		case ExtSupportedGroups:
			*e = extU16s(ExtSupportedGroups, h.Groups)
		case ExtSignatureAlgorithms:
			*e = extU16s(ExtSignatureAlgorithms, h.SignatureSchemes)
		case ExtSupportedVersions:
			e.Data = appendBytes(nil, 1, appendU16s(nil, h.Versions))
		case ExtPointFormats, ExtRenegotiationInfo, ExtPSKModes, ExtCompressCertificate:
			e.Data = []byte{0}
		case ExtKeyShare, ExtALPS:
			e.Data = []byte{0, 0}
		}
	}
	body := AppendClientHello(nil, h)[MessageHeaderLen:]
	if _, err := ParseClientHello(body); err != nil {
		b.Fatal(err)
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = ReadClientHello(body)
		}
	})
	b.Run("ja3", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = h.JA3()
		}
	})
	b.Run("ja4", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = h.JA4()
		}
	})
}
