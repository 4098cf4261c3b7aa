package tlswire

import "testing"

// The client of FoxIO's description of JA4, with GREASE values and the order of the extensions mixed as Chrome mixes them.
func describedHello() *ClientHello {
	h := &ClientHello{Version: VersionTLS12, Versions: []uint16{0x3a3a, VersionTLS13, VersionTLS12},
		Suites: []uint16{0x1a1a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035},
		ALPN:   []string{"h2", "http/1.1"}, Groups: []uint16{0x4a4a, 29, 23, 24}, PointFormats: []byte{0},
		SignatureSchemes: []uint16{0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601}}
	for _, t := range []uint16{0x2a2a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0xdada} {
		h.Extensions = append(h.Extensions, Extension{Type: t})
	}
	return h
}

func TestJA4(t *testing.T) {
	if got := describedHello().JA4(); got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("got %s", got)
	}
}

// FoxIO's table of ALPN values that are no plain words.
func TestJA4ALPN(t *testing.T) {
	for alpn, want := range map[string]string{"h2": "h2", "http/1.1": "h1", "\xab": "ab", "\xab\xcd": "ad", "0\xab": "3b", "01\xab\xcd": "3d", "0\xab\xcd1": "01", "x": "xx", "": "00"} {
		h := ClientHello{ALPN: []string{alpn}}
		if got := string(appendJA4ALPN(nil, h.ALPN)); got != want {
			t.Errorf("%q: got %s, want %s", alpn, got, want)
		}
	}
}
