package analysis

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/test/captures"
)

// bytesInput is an Input in memory.
func bytesInput(name string, data []byte) Input {
	return Input{Name: name, Size: int64(len(data)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

// packets reads a whole capture.
func packets(t testing.TB, path string) []pcap.Packet {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f, pcap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var out []pcap.Packet
	var p pcap.Packet
	for r.Next(&p) == nil {
		p.Data = bytes.Clone(p.Data)
		out = append(out, p)
	}
	return out
}

// part is a pcapng of packets and, behind number at, a key log.
func part(t testing.TB, all []pcap.Packet, keys []byte, at int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := pcap.NewWriter(&out, "test")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Interface(pcap.Interface{Link: all[0].Link}); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		if i == at && keys != nil {
			if err := w.Secrets(pcap.SecretsTLSKeyLog, keys); err != nil {
				t.Fatal(err)
			}
		}
		all[i].Interface = 0
		if err := w.Packet(&all[i]); err != nil {
			t.Fatal(err)
		}
	}
	if at >= len(all) && keys != nil {
		if err := w.Secrets(pcap.SecretsTLSKeyLog, keys); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func run(t testing.TB, cfg Config) *Report {
	t.Helper()
	report, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// Secrets that stand behind the packets they open are used by reading again.
func TestLateSecrets(t *testing.T) {
	c := captures.Find(t, "client_curl_optional_nocert")
	keys, err := os.ReadFile(c.KeyLog)
	if err != nil {
		t.Fatal(err)
	}
	all := packets(t, c.Path)
	want := run(t, Config{Inputs: []Input{bytesInput("a", part(t, all, keys, 0))}})
	for _, at := range []int{0, 5, len(all) / 2, len(all)} {
		for _, workers := range []int{1, 2} {
			got := run(t, Config{Inputs: []Input{bytesInput("a", part(t, all, keys, at))}, Workers: workers})
			if !reflect.DeepEqual(got.Flows, want.Flows) {
				t.Errorf("secrets behind packet %d, %d workers: the flows differ; %d passes", at, workers, got.Passes)
			}
		}
	}
	if want.Flows[0].TLS.Closed != 0 || len(want.Flows[0].Exchanges) == 0 {
		t.Errorf("not opened: %+v", want.Flows[0].TLS)
	}
}

// A connection that goes on in the next file is one flow, whatever the order in which the files are named.
func TestRotatedFiles(t *testing.T) {
	c := captures.Find(t, "client_curl_optional_nocert")
	all := packets(t, c.Path)
	want := run(t, Config{Inputs: []Input{bytesInput("all", part(t, all, nil, 0))}, Secrets: keysOf(t, &c)})
	a, b, d := part(t, all[:7], nil, 0), part(t, all[7:20], nil, 0), part(t, all[20:], nil, 0)
	got := run(t, Config{Inputs: []Input{bytesInput("3", d), bytesInput("1", a), bytesInput("2", b)}, Secrets: keysOf(t, &c)})
	if !reflect.DeepEqual(got.Flows, want.Flows) {
		t.Error("three files report other flows than one")
	}
	if got.Packets != want.Packets || got.Inputs[0].Name != "1" || got.Inputs[2].FirstFrame != 21 {
		t.Errorf("%+v, inputs %+v", got.Packets, got.Inputs)
	}
	if input, number := got.Locate(8); input != 1 || number != 1 {
		t.Errorf("frame 8 is number %d of input %d", number, input)
	}
	if input, number := got.Locate(int64(len(all))); input != 2 || number != int64(len(all)-20) {
		t.Errorf("the last frame is number %d of input %d", number, input)
	}
}

func TestFilterFlows(t *testing.T) {
	c := captures.Find(t, "founding_02_abnormal_via_waf_504_tls10_rsa")
	all := analyse(t, c.Path, Config{Secrets: keysOf(t, &c)})
	for text, some := range map[string]bool{"21700": true, "port=9": false, "127.0.0.1": true, "192.0.2.1": false, "nobody.example": false, "from=2001-01-01": true, "to=2001-01-01": false} {
		filter, err := parseFilter(text)
		if err != nil {
			t.Fatal(err)
		}
		got := analyse(t, c.Path, Config{Secrets: keysOf(t, &c), Filter: filter})
		if some != (len(got.Flows) > 0) || len(got.Flows) > len(all.Flows) {
			t.Errorf("%s: %d of %d flows", text, len(got.Flows), len(all.Flows))
		}
	}
}

func TestDamageIsReported(t *testing.T) {
	c := captures.Find(t, "client_curl_optional_nocert")
	data := part(t, packets(t, c.Path), nil, 0)
	got := run(t, Config{Inputs: []Input{bytesInput("cut", data[:len(data)-10])}})
	if got.Inputs[0].Damage == nil || len(got.Flows) == 0 || len(got.Warnings) == 0 {
		t.Errorf("damage %v, %d flows, warnings %q", got.Inputs[0].Damage, len(got.Flows), got.Warnings)
	}
}

func TestErrors(t *testing.T) {
	var format *pcap.FormatError
	if _, err := Run(t.Context(), Config{Inputs: []Input{bytesInput("x", []byte("this is no capture at all"))}}); !errors.As(err, &format) {
		t.Errorf("no capture: %v", err)
	}
	if _, err := Run(t.Context(), Config{Inputs: []Input{bytesInput("t.etl", make([]byte, 200))}}); !errors.As(err, &format) || !strings.Contains(err.Error(), "etl2pcap") {
		t.Errorf("an event trace by its name: %v", err)
	}
	if _, err := Run(t.Context(), Config{}); err == nil {
		t.Error("no input is no error")
	}
	if _, err := File(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "stat") {
		t.Errorf("absent file: %v", err)
	}
	if _, err := File(t.TempDir()); err == nil {
		t.Error("a folder is a file")
	}
}

// endless repeats a capture's packets for ever, and cancels on the way.
type endless struct {
	head, body []byte
	at         int
	left       int
	cancel     func()
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.head) > 0 {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.left--; e.left == 0 {
		e.cancel()
	}
	n := copy(p, e.body[e.at:])
	e.at = (e.at + n) % len(e.body)
	return n, nil
}

func TestCancellation(t *testing.T) {
	c := captures.Find(t, "client_curl_optional_nocert")
	data, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	src := &endless{head: data[:24], body: data[24:], left: 5000, cancel: func() { cancel(why) }}
	in := Input{Name: "endless", Open: func() (io.ReadCloser, error) { return io.NopCloser(src), nil }}
	if _, err := Run(ctx, Config{Inputs: []Input{in}, Workers: 4}); !errors.Is(err, why) {
		t.Errorf("the run ended with %v", err)
	}
	noLeak(t, before)

	// A source that blocks is closed.
	for _, spooled := range []bool{false, true} {
		ctx, cancel = context.WithCancelCause(t.Context())
		r, w := io.Pipe()
		go func() {
			if _, err := w.Write(data); err == nil {
				cancel(why)
			}
		}()
		in := Input{Name: "pipe", Open: func() (io.ReadCloser, error) { return r, nil }}
		if spooled {
			spool := NewSpool("-", r)
			defer spool.Close()
			in = spool.Input()
		}
		if _, err := Run(ctx, Config{Inputs: []Input{in}}); !errors.Is(err, why) {
			t.Errorf("the blocked run ended with %v", err)
		}
		noLeak(t, before)
	}
}

// noLeak waits for goroutines that are about to end.
func noLeak(t *testing.T, before int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
}

func TestProgress(t *testing.T) {
	c := captures.Find(t, "client_curl_optional_nocert")
	last, total, calls := int64(0), int64(0), 0
	analyse(t, c.Path, Config{Progress: func(done, all int64) {
		if done < last {
			t.Errorf("progress went back from %d to %d", last, done)
		}
		last, total = done, all
		calls++
	}})
	info, err := os.Stat(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	if last != info.Size() || total != info.Size() || calls == 0 {
		t.Errorf("%d calls, the last said %d of %d, the file has %d", calls, last, total, info.Size())
	}
}

// What WriteDecrypted writes opens without any other secret, and shows the same.
func TestWriteDecrypted(t *testing.T) {
	for _, name := range []string{"client_curl_optional_nocert", "founding_01_normal_direct_tls10_rsa", "dec_tls13_keyupdate"} {
		c := captures.Find(t, name)
		input, err := File(c.Path)
		if err != nil {
			t.Fatal(err)
		}
		for _, filter := range []Filter{{}, {Ports: []uint16{port(c.Port)}}} {
			cfg := Config{Inputs: []Input{input}, Secrets: keysOf(t, &c), Filter: filter, Flow: flow.Config{KeyLog: true}}
			want := run(t, cfg)
			var out bytes.Buffer
			if err := WriteDecrypted(t.Context(), cfg, want, &out); err != nil {
				t.Fatal(err)
			}
			got := run(t, Config{Inputs: []Input{bytesInput("out", out.Bytes())}, Secrets: secrets.New()})
			if len(got.Flows) != len(want.Flows) {
				t.Fatalf("%s: %d flows were written, %d read", name, len(want.Flows), len(got.Flows))
			}
			for i := range got.Flows {
				if got.Flows[i].Packets != want.Flows[i].Packets {
					t.Errorf("%s: flow %d: %d packets, want %d", name, i, got.Flows[i].Packets, want.Flows[i].Packets)
				}
				if a, b := got.Flows[i].TLS, want.Flows[i].TLS; (a == nil) != (b == nil) || a != nil && a.Decrypted != b.Decrypted {
					t.Errorf("%s: flow %d: %+v, want %+v", name, i, a, b)
				}
			}
		}
	}
}

// Of connections that had the same ports, one after the other, only the wanted one is written.
func TestWriteOneOfTheSamePorts(t *testing.T) {
	c := captures.Find(t, "client_curl_optional_nocert")
	once := packets(t, c.Path)
	twice := slices.Clone(once)
	for _, p := range once {
		p.At += int64(time.Hour)
		twice = append(twice, p)
	}
	cfg := Config{Inputs: []Input{bytesInput("2", part(t, twice[len(once)-3:], nil, 0)), bytesInput("1", part(t, twice[:len(once)-3], nil, 0))}}
	report := run(t, cfg)
	for i, f := range report.Flows {
		one := *report
		one.Flows, one.Partial = []*flow.Flow{f}, true
		var out bytes.Buffer
		if err := WriteDecrypted(t.Context(), cfg, &one, &out); err != nil {
			t.Fatal(err)
		}
		got := run(t, Config{Inputs: []Input{bytesInput("out", out.Bytes())}})
		if len(got.Flows) != 1 || got.Flows[0].Packets != f.Packets || got.Start.At != f.Start.At || got.Packets.All != int64(len(once)) {
			t.Errorf("flow %d of %d with packets %d: %d packets were written", i+1, len(report.Flows), f.Packets, got.Packets.All)
		}
	}
	if len(report.Flows) != 2 {
		t.Errorf("%d flows", len(report.Flows))
	}
}

func port(s string) (n uint16) {
	for _, c := range s {
		n = n*10 + uint16(c-'0')
	}
	return n
}

// A compressed capture of many buffers is the same as the capture itself.
func TestCompressed(t *testing.T) {
	plain, err := io.ReadAll(&frames{next: hostile()["one tuple for ever"], left: 14 << 20}) // 14 buffers, or one compressed
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := run(t, Config{Inputs: []Input{bytesInput("x", plain)}, Workers: 2})
	got := run(t, Config{Inputs: []Input{bytesInput("x", zipped.Bytes())}, Workers: 2})
	if !reflect.DeepEqual(got.Flows, want.Flows) || got.Packets != want.Packets || !got.Inputs[0].Info.Compressed {
		t.Errorf("%+v, compressed %+v", want.Packets, got.Packets)
	}
}
