package audit_test

import "testing"

func BenchmarkRecord(b *testing.B) {
	for _, format := range []string{"json", "native", "ocsf"} {
		b.Run(format, func(b *testing.B) {
			l, x := open(b, every(format)), blocked()
			var out []byte
			b.ReportAllocs()
			for b.Loop() {
				out = l.Append(out[:0], x)
			}
			b.SetBytes(int64(len(out)))
		})
	}
	b.Run("not wanted", func(b *testing.B) {
		cfg := every("json")
		cfg.When = "relevant"
		l, x := open(b, cfg), clean()
		b.ReportAllocs()
		for b.Loop() {
			if len(l.Append(nil, x)) > 0 {
				b.Fatal("written")
			}
		}
	})
}
