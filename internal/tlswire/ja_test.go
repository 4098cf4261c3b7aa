package tlswire

import (
	"slices"
	"testing"
)

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

// The examples of the description of JA3.
func TestJA3(t *testing.T) {
	types := func(list ...uint16) (e Extensions) {
		for _, t := range list {
			e = append(e, Extension{Type: t})
		}
		return e
	}
	h := &ClientHello{Version: 769, Suites: []uint16{47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4}, Extensions: types(0, 10, 11), Groups: []uint16{23, 24, 25}, PointFormats: []byte{0}}
	if got := h.JA3(); h.JA3Text() != "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0" || got != "ada70206e40642a3e4461f35503241d5" {
		t.Errorf("got %s of %s", got, h.JA3Text())
	}
	h = &ClientHello{Version: 769, Suites: []uint16{4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99}}
	if got := h.JA3(); h.JA3Text() != "769,4-5-10-9-100-98-3-6-19-18-99,,," || got != "de350869b8c85de67a350c8d186f11e6" {
		t.Errorf("got %s of %s", got, h.JA3Text())
	}
	s := &ServerHello{Version: 769, Suite: 47, Extensions: types(65281, 0, 11, 35, 5, 16)}
	if got := s.JA3SText(); got != "769,47,65281-0-11-35-5-16" {
		t.Errorf("got %s", got)
	}
}

func TestJA4(t *testing.T) {
	for _, tt := range []struct {
		h    ClientHello
		want string // the hashes are those of the lists beside them
	}{
		{ClientHello{Version: VersionTLS12, Suites: []uint16{0x002f, 0x0005, 0x0a0a}, Extensions: Extensions{{Type: 10}, {Type: 13}, {Type: 0}, {Type: 11}, {Type: 0x0a0a}},
			SignatureSchemes: []uint16{0x0403, 0x0401}}, "t12d020400_4e75145e4eac_94ae408008e8"}, // 0005,002f and 000a,000b,000d_0403,0401
		{ClientHello{Version: VersionTLS10, Suites: []uint16{4, 5, 10}}, "t10i030000_53b29befa235_000000000000"},                                     // 0004,0005,000a
		{ClientHello{Version: VersionSSL30, Suites: []uint16{4, 5, 10}, Extensions: Extensions{{Type: 11}}}, "ts3i030100_53b29befa235_bcb145a8c2a7"}, // without schemes: 000b
	} {
		if got := tt.h.JA4(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// Fingerprints that FoxIO publishes with what they are made of.
func TestJA4AsPublished(t *testing.T) {
	h := describedHello()
	if got := h.JA4(); got != "t13d1516h2_8daaf6152771_e5627efa2ab1" {
		t.Errorf("got %s", got)
	}
	h.ALPN = nil
	h.Extensions = slices.DeleteFunc(h.Extensions, func(e Extension) bool { return e.Type == ExtALPN || e.Type == ExtALPSOld })
	if got := h.JA4(); got != "t13d151400_8daaf6152771_de4a06bb82e3" {
		t.Errorf("without ALPN: got %s", got)
	}
	// a Chrome of 2026: schemes of ML-DSA, and a GREASE value among them
	h.ALPN, h.Extensions = []string{"h2"}, nil
	h.SignatureSchemes = append([]uint16{0x4a4a, 0x0904, 0x0905, 0x0906}, h.SignatureSchemes...)
	for _, t := range []uint16{0xfe0d, 0x0010, 0x0017, 0x0033, 0x44cd, 0xff01, 0x000a, 0x000d, 0x0023, 0x002b, 0x000b, 0xca34, 0x002d, 0x0000, 0x0005, 0x001b, 0x0012} {
		h.Extensions = append(h.Extensions, Extension{Type: t})
	}
	if got := h.JA4(); got != "t13d1517h2_8daaf6152771_cb7bf5808d99" {
		t.Errorf("with ML-DSA: got %s", got)
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
