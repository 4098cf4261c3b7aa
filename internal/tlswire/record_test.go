package tlswire

import (
	"bytes"
	"fmt"
	"testing"
)

func sampleStream() []byte {
	b := AppendRecord(nil, TypeHandshake, VersionTLS12, HelloRequest())
	b = AppendRecord(b, TypeChangeCipherSpec, VersionTLS12, []byte{1})
	b = AppendRecord(b, TypeApplicationData, VersionTLS12, bytes.Repeat([]byte{7}, 40000))
	b = AppendRecord(b, TypeApplicationData, VersionTLS12, nil)
	return AppendRecord(b, TypeAlert, VersionTLS12, AppendAlert(nil, Alert{AlertFatal, AlertHandshakeFailure}))
}

func scan(t testing.TB, collect, step int, stream []byte) string {
	t.Helper()
	s := RecordScanner{Collect: collect}
	var out bytes.Buffer
	for len(stream) > 0 {
		n := min(step, len(stream))
		s.Feed(stream[:n], func(r Record) { fmt.Fprintf(&out, "%d %x %d %x;", r.Type, r.Version, r.Length, r.Head) })
		stream = stream[n:]
	}
	fmt.Fprintf(&out, "pending %v lost %q", s.Pending(), s.Lost())
	return out.String()
}

func TestRecordScannerReports(t *testing.T) {
	got := scan(t, 0, 1<<20, sampleStream())
	want := "22 303 4 ;20 303 1 ;23 303 16384 ;23 303 16384 ;23 303 7232 ;23 303 0 ;21 303 2 0228;pending false lost \"\""
	if got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestRecordScannerIsBlindToSplits(t *testing.T) {
	for _, collect := range []int{0, 1, 6, 5000, 1 << 20} {
		want := scan(t, collect, 1<<20, sampleStream())
		for _, step := range []int{1, 2, 3, 5, 7, 4096, 16384} {
			if got := scan(t, collect, step, sampleStream()); got != want {
				t.Fatalf("collect %d step %d: got %.300s want %.300s", collect, step, got, want)
			}
		}
	}
}

func TestRecordScannerKeepsWhatIsNotTLS(t *testing.T) {
	for _, tt := range []struct{ in, lost string }{
		{"HTTP/1.1 400 Bad Request\r\n", "HTTP/1.1 400 Bad Request\r\n"},
		{"\x16\x02\x00\x00\x01", "\x16\x02\x00\x00\x01"},
		{"\x16\x03\x01\xff\xff\x00", "\x16\x03\x01\xff\xff\x00"},
		{"\x16\x03\x01\x00\x01\x00SSH-2.0", "SSH-2.0"},
	} {
		for _, step := range []int{1, 3, 100} {
			s := RecordScanner{}
			ok := true
			for in := []byte(tt.in); len(in) > 0; {
				n := min(step, len(in))
				ok = s.Feed(in[:n], func(Record) {})
				in = in[n:]
			}
			if ok || string(s.Lost()) != tt.lost {
				t.Errorf("%q by %d: ok %v, lost %q", tt.in, step, ok, s.Lost())
			}
		}
	}
}

func TestRecordScannerAllocatesNothing(t *testing.T) {
	stream := sampleStream()
	s := RecordScanner{Collect: 16}
	n := 0
	on := func(r Record) { n += r.Length }
	s.Feed(stream[:3], on)
	s.Feed(stream[3:], on)
	if got := testing.AllocsPerRun(100, func() {
		for i := 0; i < len(stream); i += 1000 {
			s.Feed(stream[i:min(i+1000, len(stream))], on)
		}
	}); got != 0 {
		t.Fatalf("%v allocations a run", got)
	}
}

func TestMessageScannerIsBlindToSplits(t *testing.T) {
	stream := AppendMessage(nil, MsgServerHello, bytes.Repeat([]byte{3}, 300))
	stream = append(stream, HelloRequest()...)
	stream = AppendMessage(stream, MsgCertificate, make([]byte, MaxMessage+1))
	stream = AppendMessage(stream, MsgFinished, make([]byte, 12))
	want := "2 300 304;0 0 4;11 131073 0;20 12 16;"
	for _, step := range []int{1, 3, 4, 5, 1000, 1 << 20} {
		var s MessageScanner
		var out bytes.Buffer
		for in := stream; len(in) > 0; {
			n := min(step, len(in))
			s.Feed(in[:n], func(m Message) { fmt.Fprintf(&out, "%d %d %d;", m.Type, m.Length, len(m.Raw)) })
			in = in[n:]
		}
		if out.String() != want || s.Pending() {
			t.Errorf("step %d: got %s, pending %v; want %s", step, out.String(), s.Pending(), want)
		}
	}
}

func BenchmarkRecordScanner(b *testing.B) {
	one := AppendRecord(nil, TypeApplicationData, VersionTLS12, make([]byte, 200))
	var s RecordScanner
	n := 0
	on := func(Record) { n++ }
	b.ReportAllocs()
	for b.Loop() {
		s.Feed(one, on)
	}
}
