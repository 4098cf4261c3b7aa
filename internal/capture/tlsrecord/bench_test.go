package tlsrecord

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// BenchmarkFeed cuts records of n bytes out of segments of 1,448.
func BenchmarkFeed(b *testing.B) {
	for _, n := range []int{64, 1000, 1419, 4096, 16384 + 24} {
		stream := bytes.Repeat(record(23, n), 1+(1<<20)/n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := Stream{Buffers: &Buffers{}}
			records := 0
			on := func(*Record) { records++ }
			b.SetBytes(int64(len(stream)))
			b.ReportAllocs()
			for b.Loop() {
				for at := 0; at < len(stream); at += 1448 {
					s.Feed(fact.Stamp{}, stream[at:min(at+1448, len(stream))], on)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
		})
	}
}
