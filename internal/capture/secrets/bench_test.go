package secrets

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"runtime"
	"testing"
)

// manyLines is a key log of n lines: a fifth of TLS 1.2, the rest the four usual secrets of TLS 1.3.
func manyLines(n int) []byte {
	var text bytes.Buffer
	master := bytes.Repeat([]byte{7}, masterSize)
	for i := 0; i < n; {
		random := sha256.Sum256(fmt.Append(nil, i))
		fmt.Fprintf(&text, "CLIENT_RANDOM %x %x\n", random, master)
		random[0] ^= 1
		for _, l := range []Label{ClientHandshakeTraffic, ServerHandshakeTraffic, ClientTraffic, ServerTraffic} {
			fmt.Fprintf(&text, "%s %x %x\n", l, random, random)
		}
		i += 5
	}
	return text.Bytes()
}

// BenchmarkKeyLog loads a million lines; heap-MB is what the Store keeps.
func BenchmarkKeyLog(b *testing.B) {
	text := manyLines(1_000_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := New()
		report, err := s.AddKeyLog("keys.txt", bytes.NewReader(text))
		if err != nil || report.Secrets != 1_000_000 {
			b.Fatalf("%+v, %v", report, err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "heap-MB")
		runtime.KeepAlive(s)
	}
}

func BenchmarkMaster(b *testing.B) {
	s := New()
	if _, err := s.AddKeyLog("keys.txt", bytes.NewReader(manyLines(100_000))); err != nil {
		b.Fatal(err)
	}
	random := sha256.Sum256(fmt.Append(nil, 5000))
	b.ReportAllocs()
	for b.Loop() {
		if s.Master(random[:]) == nil {
			b.Fatal("not found")
		}
	}
}
