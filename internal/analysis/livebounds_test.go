package analysis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/recorded"
)

// TestLiveCuts ends the watching at every packet of every eleventh capture: what is said then is what explain says of the file so far.
func TestLiveCuts(t *testing.T) {
	for i, c := range captures.All(t) {
		if i%11 != 0 {
			continue
		}
		frames, _ := recorded.Frames(t, c.Path)
		step := max(1, len(frames)/25)
		for n := 1; n <= len(frames); n += step {
			file := recorded.Written(t, frames[:n], nil)
			cfg := Config{Inputs: []Input{bytesInput("cut", file)}, Secrets: keysOf(t, &c)}
			report, err := Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			want, err := report.Diagnose(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			last := map[uint64]*Judgement{}
			l, err := NewLive(LiveConfig{Secrets: keysOf(t, &c), Judged: func(j *Judgement) { last[j.Flow.ID] = j }})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range frames[:n] {
				l.Advance(f.At)
				l.Packet(&pcap.Packet{At: f.At, Length: f.Length, Data: f.Data, Link: pcap.LinkEthernet})
			}
			l.Close()
			for i, f := range report.Flows {
				if last[f.ID] == nil {
					t.Errorf("%s up to %d: flow %d was not judged", c.Name, n, i+1)
				} else if a, b := said(&want[i]), said(&last[f.ID].Result); !slices.Equal(a, b) {
					t.Errorf("%s up to %d: flow %d: live %v, explain %v", c.Name, n, i+1, b, a)
				}
			}
		}
	}
}

// TestLiveHostile feeds what tries to make something grow.
func TestLiveHostile(t *testing.T) {
	const size, memory = 6 << 20, 4 << 20
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	for name, next := range hostile() {
		t.Run(name, func(t *testing.T) {
			source := &frames{next: next, left: size}
			before := inUse()
			l, err := NewLive(LiveConfig{Memory: memory, MaxConns: 2000, Judged: func(*Judgement) {}})
			if err != nil {
				t.Fatal(err)
			}
			feed(t, l, source, func(p *pcap.Packet) {
				l.Advance(p.At)
				if s := l.Stats(); s.Held > memory || s.Open > 2000 || len(l.due) > 4000 {
					t.Fatalf("packet %d: %+v", p.Number, s)
				}
			})
			l.Close()
			if s := l.Stats(); s.Open != 0 || l.held != 0 {
				t.Errorf("in the end: %+v, %d bytes", s, l.held)
			}
			if peak := source.peak - min(before, source.peak); peak > 8*memory+64<<20 {
				t.Errorf("%d MiB were in use", peak>>20)
			}
		})
	}
}

func feed(t testing.TB, l *Live, source io.Reader, each func(p *pcap.Packet)) {
	t.Helper()
	r, err := pcap.NewReader(source, pcap.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var p pcap.Packet
	for {
		err := r.Next(&p)
		var damage *pcap.DamageError
		if err == io.EOF || errors.As(err, &damage) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		l.Packet(&p)
		each(&p)
	}
}

// TestLiveManyConnections holds 100,000 connections that stay open within the bounds, while another goroutine judges.
func TestLiveManyConnections(t *testing.T) {
	const conns, memory = 100_000, 32 << 20
	l, err := NewLive(LiveConfig{Memory: memory, Judged: func(*Judgement) {}})
	if err != nil {
		t.Fatal(err)
	}
	var now int64 = 1_700_000_000e9
	var judging sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	judging.Go(func() { l.Run(ctx) })
	request := "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"
	for c := range conns {
		for i, b := range [][]byte{segment(nil, c, false, syn, 0, 0, ""), segment(nil, c, true, syn|ack, 0, 1, ""), segment(nil, c, false, ack, 1, 1, ""), segment(nil, c, false, ack, 1, 1, request)} {
			l.Packet(&pcap.Packet{At: now + int64(i), Length: len(b), Data: b, Link: pcap.LinkRaw})
		}
		now += int64(100 * time.Microsecond)
		if s := l.Stats(); s.Held > memory {
			t.Fatalf("connection %d: %+v", c, s)
		}
	}
	stop()
	judging.Wait()
	s := l.Stats()
	t.Logf("%+v", s)
	if s.Connections != conns || s.Open > 50_000 || s.Evicted == 0 {
		t.Errorf("%+v", s)
	}
	l.Close()
}

// TestLiveTakesSecretsThatComeLate opens what was judged before its secret came, also of a connection that is over.
func TestLiveTakesSecretsThatComeLate(t *testing.T) {
	c := captures.Find(t, "dsb_tls12_ecdhe_abnormal_ignored")
	frames, keys := recorded.Frames(t, c.Path)
	for _, when := range []int{len(frames) / 2, len(frames)} {
		store := secrets.New()
		var last *Judgement
		l, err := NewLive(LiveConfig{Secrets: store, Judged: func(j *Judgement) { last = j }})
		if err != nil {
			t.Fatal(err)
		}
		for n, f := range frames {
			if n == when {
				addLines(t, store, keys)
			}
			l.Packet(&pcap.Packet{At: f.At, Length: f.Length, Data: f.Data, Link: pcap.LinkEthernet})
			l.Advance(f.At)
		}
		end := frames[len(frames)-1].At
		l.Advance(end + int64(time.Second))
		if when == len(frames) {
			if last == nil || last.Flow.TLS.Decrypted != 0 {
				t.Fatal("it was opened without its secret, or not judged")
			}
			addLines(t, store, keys)
			l.Advance(end + int64(2*time.Second))
		}
		if last == nil || last.Flow.TLS.Decrypted == 0 || len(last.Flow.Exchanges) == 0 {
			t.Errorf("secret before packet %d: not opened: %+v", when, last.Flow.TLS)
		}
		l.Close()
	}
}

// TestLiveWrites what it keeps: the file gives the same findings, and its numbers of packets are those that Frame tells.
func TestLiveWrites(t *testing.T) {
	c := captures.Find(t, "founding_02_abnormal_via_waf_504_tls10_rsa")
	var got []*Judgement
	store := keysOf(t, &c)
	replayed(t, c.Path, LiveConfig{Secrets: store, Judged: func(j *Judgement) {
		if !j.Lasts {
			got = append(got, j)
		}
	}}, nil)
	for _, j := range got {
		var file bytes.Buffer
		if err := j.Write(&file); err != nil {
			t.Fatal(err)
		}
		cfg := Config{Inputs: []Input{bytesInput("written", file.Bytes())}}
		report, err := Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Flows) != 1 || report.Flows[0].Client != j.Flow.Client || report.Flows[0].Packets != j.Flow.Packets {
			t.Fatalf("the file holds %d flows", len(report.Flows))
		}
		results, err := report.Diagnose(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range j.Result.Findings {
			if i >= len(results[0].Findings) || results[0].Findings[i].Code != f.Code || results[0].Findings[i].Confidence != f.Confidence {
				t.Errorf("%v, in the file %v", said(&j.Result), said(&results[0]))
				break
			}
			for n, p := range f.Proof {
				if p.Conn == j.Flow.ID && p.Frame > 0 && j.Frame(p.Frame) != results[0].Findings[i].Proof[n].Frame {
					t.Errorf("%s: packet %d is %d in the file, not %d", f.Code, p.Frame, results[0].Findings[i].Proof[n].Frame, j.Frame(p.Frame))
				}
			}
		}
	}
	if len(got) != 2 {
		t.Errorf("%d judgements", len(got))
	}
}

// TestLiveKeepsBeginningAndEnd lets a long download push the middle of a connection out: nothing is wrong with that, and a stall behind it is named.
func TestLiveKeepsBeginningAndEnd(t *testing.T) {
	const body = 3 << 20
	var last *Judgement
	var found []string
	l, err := NewLive(LiveConfig{PerConn: 64 << 10, Judged: func(j *Judgement) {
		last = j
		for _, f := range j.New {
			if f.Severity > finding.Info {
				found = append(found, string(f.Code))
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	now := int64(1_700_000_000e9)
	put := func(back bool, flags byte, seq, ackn uint32, payload string) {
		b := segment(nil, 1, back, flags, seq, ackn, payload)
		l.Packet(&pcap.Packet{At: now, Length: len(b), Data: b, Link: pcap.LinkRaw})
		now += int64(time.Millisecond)
		l.Advance(now)
	}
	request, head := "GET /big HTTP/1.1\r\nHost: shop.test\r\n\r\n", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", body)
	put(false, syn, 0, 0, "")
	put(true, syn|ack, 0, 1, "")
	put(false, ack, 1, 1, "")
	put(false, ack, 1, 1, request)
	asked := 1 + uint32(len(request))
	put(true, ack, 1, asked, head)
	at := 1 + uint32(len(head))
	for sent := 0; sent < body; sent += 1024 {
		put(true, ack, at, asked, strings.Repeat("x", 1024))
		at += 1024
		put(false, ack, asked, at, "")
	}
	small := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	for range 2 {
		put(false, ack, asked, at, request)
		asked += uint32(len(request))
		put(true, ack, at, asked, small)
		at += uint32(len(small))
	}
	put(false, ack, asked, at, request)
	put(true, ack, at, asked+uint32(len(request)), "")
	if len(found) > 0 {
		t.Errorf("nothing failed yet, but %v", found)
	}
	l.Advance(now + int64(4*time.Second))
	if last == nil || last.Whole || !slices.Equal(found, []string{"http1.slow_first_byte"}) {
		t.Errorf("found %v: %+v", found, last)
	}
	if s := l.Stats(); s.Held > 256<<10 {
		t.Errorf("%d bytes are held", s.Held)
	}
	l.Close()
}

// TestLiveFilter looks at some connections only.
func TestLiveFilter(t *testing.T) {
	c := captures.Find(t, "founding_02_abnormal_via_waf_504_tls10_rsa")
	for name, f := range map[string]Filter{"port": {Ports: []uint16{21700}}, "name": {Hosts: []string{"origin.lab"}, Addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}} {
		seen := map[uint16]bool{}
		replayed(t, c.Path, LiveConfig{Secrets: secrets.New(), Filter: f, Judged: func(j *Judgement) { seen[j.Flow.Server.Port()] = true }}, nil)
		if len(seen) != 1 || !seen[21700] {
			t.Errorf("%s: %v", name, seen)
		}
	}
	if _, err := NewLive(LiveConfig{}); err == nil {
		t.Error("nobody hears, and that is well")
	}
}
