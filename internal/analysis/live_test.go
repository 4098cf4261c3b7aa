package analysis

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/test/captures"
)

// replayed feeds a file to a Live by its times; each is called with each packet before it is taken.
func replayed(t testing.TB, path string, cfg LiveConfig, each func(l *Live, p *pcap.Packet)) LiveStats {
	t.Helper()
	l, err := NewLive(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := pcap.NewReader(f, pcap.Config{Secrets: func(_ pcap.SecretsType, b []byte) { addLines(t, cfg.Secrets, b) }})
	if err != nil {
		t.Fatal(err)
	}
	for {
		var p pcap.Packet
		err := r.Next(&p)
		var damage *pcap.DamageError
		if err == io.EOF || errors.As(err, &damage) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if each != nil {
			each(l, &p)
		}
		l.Advance(p.At)
		l.Packet(&p)
	}
	l.Close()
	return l.Stats()
}

// said are the findings of a result in short.
func said(r *check.Result) []string {
	out := []string{}
	for i := range r.Findings {
		f := &r.Findings[i]
		frames := ""
		for _, p := range f.Proof {
			frames += fmt.Sprintf(" #%d", p.Frame)
		}
		out = append(out, string(f.Code)+" "+f.Confidence.String()+" "+f.Severity.String()+frames)
	}
	return out
}

// TestLiveSaysWhatExplainSays feeds every capture packet by packet: the last judgement of each connection is that of the whole file, and
// what was certain while it lasted stays so.
func TestLiveSaysWhatExplainSays(t *testing.T) {
	for _, c := range captures.All(t) {
		cfg := Config{Secrets: keysOf(t, &c)}
		report := analyse(t, c.Path, cfg)
		want, err := report.Diagnose(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, again := range []time.Duration{0, time.Millisecond} {
			last, sure := map[uint64]*Judgement{}, map[uint64][]finding.Code{}
			replayed(t, c.Path, LiveConfig{Secrets: keysOf(t, &c), Again: again, Judged: func(j *Judgement) {
				last[j.Flow.ID] = j
				for _, f := range j.New {
					if f.Confidence == finding.Certain && j.Lasts && f.Severity > finding.Info {
						sure[j.Flow.ID] = append(sure[j.Flow.ID], f.Code)
					}
				}
			}}, nil)
			if len(last) != len(report.Flows) {
				t.Errorf("%s: %d flows were judged, there are %d", c.Name, len(last), len(report.Flows))
			}
			for i, f := range report.Flows {
				got := last[f.ID]
				if got == nil {
					t.Errorf("%s: flow %d was not judged", c.Name, i+1)
					continue
				}
				if a, b := said(&want[i]), said(&got.Result); !slices.Equal(a, b) {
					t.Errorf("%s: flow %d: live %v, explain %v", c.Name, i+1, b, a)
				}
				for _, code := range sure[f.ID] {
					if !slices.ContainsFunc(want[i].Findings, func(w finding.Finding) bool { return w.Code == code || slices.Contains(w.Hides, code) }) {
						t.Errorf("%s: flow %d: %s was certain while it lasted, and is not found in the end: %v", c.Name, i+1, code, said(&want[i]))
					}
				}
			}
		}
	}
}

func addLines(t testing.TB, store *secrets.Store, lines []byte) {
	t.Helper()
	if _, err := store.AddKeyLog("inside", bytes.NewReader(lines)); err != nil {
		t.Fatal(err)
	}
}

// TestLiveNamesStallsWhileTheyLast replays the founding incident by its times.
func TestLiveNamesStallsWhileTheyLast(t *testing.T) {
	for _, name := range []string{"founding_02_abnormal_via_waf_504_tls10_rsa", "dsb_tls12_ecdhe_abnormal_ignored"} {
		for _, keys := range []bool{true, false} {
			c := captures.Find(t, name)
			store := secrets.New()
			if keys {
				store = keysOf(t, &c)
			}
			var first, last *Judgement
			ended := ""
			replayed(t, c.Path, LiveConfig{Secrets: store, Judged: func(j *Judgement) {
				if first == nil && slices.ContainsFunc(j.New, func(f finding.Finding) bool { return f.Code == "tls.hello_request_ignored" }) {
					first = j
				}
				if last = j; j.Over("tls.hello_request_ignored") {
					ended = foundIn(j.New, "tls.hello_request_ignored").Summary
				}
			}}, ticking)
			if first == nil {
				t.Errorf("%s: it is not named", name)
				continue
			}
			if f := foundIn(last.Result.Findings, "tls.hello_request_ignored"); ended == first.New[0].Summary || ended != f.Summary {
				t.Errorf("%s: it is not told to its end: %q, which is %q", name, ended, f.Summary)
			}
			f := first.New[0]
			var asked time.Time
			for _, p := range f.Proof {
				asked = p.At
				break
			}
			if took := first.At.Sub(asked); !first.Lasts || f.Confidence != finding.Certain || took > 5*time.Second {
				t.Errorf("%s, keys %v: named after %v, lasts %v: %v", name, keys, took, first.Lasts, said(&first.Result))
			}
			t.Log(f.Summary)
		}
	}
}

func foundIn(all []finding.Finding, code finding.Code) finding.Finding {
	for _, f := range all {
		if f.Code == code {
			return f
		}
	}
	return finding.Finding{}
}

// ticking lets time pass in small steps before each packet.
func ticking(l *Live, p *pcap.Packet) {
	l.mu.Lock()
	at := l.last
	l.mu.Unlock()
	for ; at > 0 && at < p.At; at += int64(100 * time.Millisecond) {
		l.Advance(at)
	}
}

// BenchmarkLive replays the capture that LUNETTE_BENCH_CAPTURE names, with its key log beside it (FILE.keys): "go run ./test/benchcapture -make".
func BenchmarkLive(b *testing.B) {
	path := os.Getenv("LUNETTE_BENCH_CAPTURE")
	if path == "" {
		b.Skip("LUNETTE_BENCH_CAPTURE names no capture")
	}
	for name, keys := range map[string]string{"keys": path + ".keys", "sealed": os.DevNull} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				store := secrets.New()
				f, err := os.Open(keys)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := store.AddKeyLog(keys, f); err != nil {
					b.Fatal(err)
				}
				f.Close()
				failed, ended := 0, map[uint64]bool{}
				s := replayed(b, path, LiveConfig{Secrets: store, Judged: func(j *Judgement) {
					ended[j.Flow.ID] = true
					for _, f := range j.New {
						if f.Severity > finding.Info {
							failed++
						}
					}
				}}, nil)
				b.SetBytes(s.Bytes)
				b.ReportMetric(float64(s.Busy)/1e9, "judging-s")
				b.Logf("%+v, %d flows judged, %d failures", s, len(ended), failed)
			}
		})
	}
}
