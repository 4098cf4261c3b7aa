package explain

import "testing"

func TestUnits(t *testing.T) {
	for n, want := range map[int64]string{0: "0 ns", 420: "420 ns", 30_000: "30 µs", 126_000: "126 µs", 1_260_000: "1.26 ms", 12_000_000: "12 ms", 99_960_000: "100 ms",
		999_400_000: "999 ms", 1_000_000_000: "1.0 s", 120_000_000_000: "120.0 s", 3_840_000_000_000: "1 h 4 min", 500_000_000_000_000: "5 days", -5_000: "-5 µs"} {
		if got := span(n); got != want {
			t.Errorf("span(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1 KB", 5100: "5.1 KB", 999_600: "1 MB", 123_456_789: "123 MB", 5e15: "5 PB"} {
		if got := volume(n); got != want {
			t.Errorf("volume(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 4312: "4,312", -1234567: "-1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %q, want %q", n, got, want)
		}
	}
	for in, want := range map[string]string{"TLS_RSA_WITH_AES_128_CBC_SHA": "RSA with AES-128-CBC-SHA", "TLS_AES_128_GCM_SHA256": "AES-128-GCM-SHA256", "0x1234": "0x1234"} {
		if got := suiteName(in); got != want {
			t.Errorf("suiteName(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestWrapped(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want []string
	}{
		{"", 10, []string{""}}, {"one two", 10, []string{"one two"}}, {"one two three", 8, []string{"one two", "three"}}, {"overlongword x", 6, []string{"overl…", "x"}},
	} {
		got := wrapped(c.in, c.n)
		if len(got) != len(c.want) {
			t.Errorf("wrapped(%q, %d) = %q", c.in, c.n, got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("wrapped(%q, %d) = %q", c.in, c.n, got)
			}
		}
	}
}
