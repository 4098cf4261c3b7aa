package profile

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const url = "https://origin.test"

// world is a book with a clock of its own.
type world struct {
	t     *testing.T
	now   time.Time
	book  *Book
	drift []Drift
	conn  uint64
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: start}
	w.anew()
	return w
}

// anew begins with an empty book, as after a restart.
func (w *world) anew() {
	b, err := New(Config{Now: func() time.Time { return w.now }, Changed: func(d Drift) { w.drift = append(w.drift, d) }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.book = b
}

// restart stores everything and begins with that.
func (w *world) restart() {
	var ps []Profile
	for _, p := range w.book.Profiles() {
		doc, err := Marshal(&p)
		if err != nil {
			w.t.Fatal(err)
		}
		if p, err = Unmarshal(doc); err != nil {
			w.t.Fatal(err)
		}
		ps = append(ps, p)
	}
	w.anew()
	w.book.Restore(ps)
}

func (w *world) profile() Profile {
	w.t.Helper()
	ps := w.book.Profiles()
	if len(ps) != 1 {
		w.t.Fatalf("%d profiles", len(ps))
	}
	return ps[0]
}

// kinds are the drifts so far.
func (w *world) kinds() string {
	var out []string
	for _, d := range w.drift {
		out = append(out, d.Kind)
		if d.Text == "" || d.Advice == "" || d.At.IsZero() || d.Origin != url || d.Site != "s" {
			w.t.Errorf("drift lacks something: %+v", d)
		}
	}
	return strings.Join(out, " ")
}

func peerOf(id string, until time.Time) *exchange.Peer {
	return &exchange.Peer{Subject: "CN=" + id, Issuer: "CN=ca", SANs: []string{"a.test"}, NotBefore: start.Add(-time.Hour), NotAfter: until, Fingerprint: strings.Repeat(id, 64)[:64], KeyID: id, Key: "RSA 2048"}
}

var farOff = start.Add(365 * 24 * time.Hour)

// fresh is an attempt on a new connection.
func (w *world) fresh(change func(*exchange.Attempt)) *exchange.Attempt {
	w.conn++
	a := &exchange.Attempt{
		Start: w.now, URL: url, Address: netip.MustParseAddrPort("192.0.2.1:443"), ConnID: w.conn, FirstByte: 5 * time.Millisecond,
		Proto: exchange.HTTP11, TLSOffered: 0x304, TLSVersion: 0x303, Cipher: 0xc02f, SNI: "a.test", ALPNSent: []string{"h2", "http/1.1"}, ALPN: "http/1.1",
		Peer: peerOf("a", farOff), Status: 200, Facts: []fact.Fact{{Kind: fact.TLSHandshakeDone}},
	}
	if change != nil {
		change(a)
	}
	return a
}

// learn takes n attempts on new connections, a second apart.
func (w *world) learn(n int, change func(*exchange.Attempt)) {
	for range n {
		w.now = w.now.Add(time.Second)
		w.book.Learn("s", 10, w.fresh(change))
	}
}

func cert(id string) func(*exchange.Attempt) {
	return func(a *exchange.Attempt) { a.Peer = peerOf(id, farOff) }
}

func TestDrift(t *testing.T) {
	h2 := func(a *exchange.Attempt) { a.ALPN = "h2" }
	tls13 := func(a *exchange.Attempt) { a.TLSVersion = 0x304 }
	moved := func(a *exchange.Attempt) { a.Address = netip.MustParseAddrPort("192.0.2.2:443") }
	reneg := func(a *exchange.Attempt) {
		a.Renegotiations, a.Sent = 1, &exchange.Request{Path: "/login/x/secret", Query: "token=1"}
	}
	both := func(a, b func(*exchange.Attempt)) func(*world) {
		return func(w *world) {
			for range 40 {
				w.learn(1, a)
				w.learn(1, b)
			}
		}
	}
	for _, c := range []struct {
		name string
		do   func(w *world)
		want string
	}{
		{"a new origin", func(w *world) { w.learn(50, nil) }, ""},
		{"another certificate", func(w *world) { w.learn(20, nil); w.learn(3, cert("b")) }, "certificate_changed"},
		{"another certificate, once told", func(w *world) { w.learn(20, nil); w.learn(30, cert("b")) }, "certificate_changed"},
		{"seen once, by mistake", func(w *world) { w.learn(20, nil); w.learn(1, cert("b")); w.learn(40, nil) }, ""},
		{"put back", func(w *world) { w.learn(20, nil); w.learn(9, cert("b")); w.learn(9, nil) }, "certificate_changed certificate_changed"},
		{"two nodes", both(cert("a"), cert("b")), ""},
		{"two nodes, one renewed", func(w *world) { both(cert("a"), cert("b"))(w); both(cert("c"), cert("b"))(w) }, "certificate_changed"},
		{"two nodes, both renewed", func(w *world) {
			both(cert("a"), cert("b"))(w)
			both(cert("c"), cert("b"))(w)
			both(cert("c"), cert("d"))(w)
		}, "certificate_changed certificate_changed"},
		{"two nodes, one gone", func(w *world) {
			both(cert("a"), cert("b"))(w)
			w.now = w.now.Add(48 * time.Hour)
			w.learn(60, cert("b"))
		}, ""},
		{"rolled out slowly", func(w *world) { w.learn(20, cert("a")); both(cert("a"), cert("b"))(w); w.learn(40, cert("b")) }, "certificate_changed"},
		{"another name", func(w *world) {
			w.learn(20, nil)
			w.learn(20, func(a *exchange.Attempt) { a.SNI, a.Peer = "b.test", peerOf("b", farOff) })
			w.learn(20, nil)
		}, ""},
		{"a resumed session shows the old one", func(w *world) {
			w.learn(20, cert("b"))
			w.learn(20, func(a *exchange.Attempt) { a.Resumed = true })
		}, ""},
		{"a swap, with sessions resumed", func(w *world) {
			resumed := func(id string) func(*exchange.Attempt) {
				return func(a *exchange.Attempt) { a.Resumed, a.Peer = true, peerOf(id, farOff) }
			}
			w.learn(1, nil)
			w.learn(20, resumed("a"))
			w.learn(1, cert("b"))
			w.learn(20, resumed("b"))
		}, "certificate_changed"},
		{"a restart", func(w *world) { w.learn(20, nil); w.restart(); w.learn(20, nil) }, ""},
		{"another certificate after a restart", func(w *world) { w.learn(20, nil); w.restart(); w.learn(3, cert("b")) }, "certificate_changed"},
		{"moved", func(w *world) { w.learn(20, nil); w.learn(3, moved) }, "address_changed"},
		{"two addresses", both(nil, moved), ""},
		{"many addresses in turn", func(w *world) {
			for i := range 200 {
				w.learn(10, func(a *exchange.Attempt) {
					a.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 1}), 443)
				})
			}
		}, "address_changed address_changed address_changed address_changed"},
		{"lower ceiling", func(w *world) { w.learn(20, tls13); w.learn(3, nil) }, "tls_ceiling_changed"},
		{"higher ceiling", func(w *world) { w.learn(20, nil); w.learn(3, tls13) }, "tls_ceiling_changed"},
		{"less was offered", func(w *world) { w.learn(20, tls13); w.learn(30, func(a *exchange.Attempt) { a.TLSOffered = 0x303 }) }, ""},
		{"no h2 any more", func(w *world) { w.learn(20, h2); w.learn(3, nil) }, "stopped_speaking_h2"},
		{"h2 was not offered", func(w *world) {
			w.learn(20, h2)
			w.learn(30, func(a *exchange.Attempt) { a.ALPNSent = []string{"http/1.1"} })
		}, ""},
		{"h2 of late", func(w *world) { w.learn(20, nil); w.learn(3, h2) }, ""},
		{"renegotiates", func(w *world) { w.learn(150, nil); w.learn(30, reneg) }, "began_to_renegotiate"},
		{"renegotiates from the beginning", func(w *world) { w.learn(150, reneg) }, ""},
		{"connects fail", func(w *world) {
			w.learn(20, nil)
			w.learn(20, func(a *exchange.Attempt) {
				*a = exchange.Attempt{Start: a.Start, URL: url, Address: netip.MustParseAddrPort("192.0.2.9:443"), Reason: reason.TCPRefused, FirstByte: exchange.NotReached}
			})
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.do(w)
			if got := w.kinds(); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

func TestCertificateChangedSays(t *testing.T) {
	w := newWorld(t)
	w.learn(20, nil)
	w.learn(3, func(a *exchange.Attempt) {
		a.Peer = peerOf("b", farOff.Add(-time.Hour))
		a.Peer.Issuer, a.Peer.SANs = "CN=other", nil
	})
	if len(w.drift) != 1 {
		t.Fatal(w.drift)
	}
	for _, want := range []string{"a new key", "another issuer", "CN=ca", "CN=other", "bbbbbbbbbbbbbbbb…", "aaaaaaaaaaaaaaaa…", "2027-03-01"} {
		if !strings.Contains(w.drift[0].Text, want) {
			t.Errorf("lacks %q: %s", want, w.drift[0].Text)
		}
	}
	for _, want := range []string{"origin.tls.ca", "ends earlier", "no longer valid for a.test"} {
		if !strings.Contains(w.drift[0].Advice, want) {
			t.Errorf("lacks %q: %s", want, w.drift[0].Advice)
		}
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	until := start.Add(40 * 24 * time.Hour)
	use := func(a *exchange.Attempt) {
		a.Peer = peerOf("a", until)
		a.Peer.NotBefore = start.Add(-60 * 24 * time.Hour)
	}
	var told []string
	for day := range 45 {
		w.learn(1, use)
		w.restart()
		w.book.Check()
		for _, d := range w.drift {
			told = append(told, fmt.Sprintf("%d %s", day, d.Kind))
			if !strings.Contains(d.Text, "2026-04-10") {
				t.Errorf("no date: %s", d.Text)
			}
		}
		w.drift = nil
		w.now = start.Add(time.Duration(day+1) * 24 * time.Hour)
	}
	want := "10 certificate_expires|26 certificate_expires|33 certificate_expires|37 certificate_expires|39 certificate_expires|40 certificate_expires"
	if got := strings.Join(told, "|"); got != want {
		t.Errorf("told %s, want %s", got, want)
	}

	w = newWorld(t)
	w.learn(1, func(a *exchange.Attempt) {
		a.Peer = peerOf("a", start.Add(5*24*time.Hour))
		a.Peer.NotBefore = start.Add(-90 * 24 * time.Hour)
	})
	if w.kinds() != "certificate_expires" || !strings.Contains(w.drift[0].Text, "5 days") {
		t.Errorf("first seen five days before its end: %+v", w.drift)
	}
	w = newWorld(t)
	w.learn(1, func(a *exchange.Attempt) {
		a.Peer = peerOf("a", start.Add(5*24*time.Hour))
		a.Peer.NotBefore = start.Add(-24 * time.Hour)
	})
	if w.kinds() != "" {
		t.Errorf("one that lives six days, with five left: %+v", w.drift)
	}
	w = newWorld(t) // replaced by another one: its end matters no more
	w.learn(20, func(a *exchange.Attempt) {
		a.Peer = peerOf("a", start.Add(31*24*time.Hour))
		a.Peer.NotBefore = start.Add(-60 * 24 * time.Hour)
	})
	w.learn(20, cert("b"))
	w.now = start.Add(2 * 24 * time.Hour)
	w.book.Check()
	if w.kinds() != "certificate_changed" {
		t.Errorf("the end of a certificate that is gone was told: %+v", w.drift)
	}
}

func TestLearned(t *testing.T) {
	w := newWorld(t)
	w.learn(10, func(a *exchange.Attempt) {
		a.Server, a.SecureRenegotiation = "Microsoft-IIS/10.0 (build 3 on host db01.corp)", true
		a.Renegotiations, a.CertRequested = 1, true
		a.Sent = &exchange.Request{Path: "/login/now/7", Query: "password=x"}
		a.Facts = append(a.Facts, fact.Fact{Kind: fact.TLSHelloRequest})
	})
	w.learn(10, func(a *exchange.Attempt) { a.Resumed, a.SecureRenegotiation, a.Status = true, true, 404 })
	w.learn(3, func(a *exchange.Attempt) { a.Reused, a.Uses, a.Closing, a.Facts = true, 99, true, nil })
	w.learn(5, func(a *exchange.Attempt) {
		*a = exchange.Attempt{Start: a.Start, URL: url, ConnID: a.ConnID, Address: a.Address, TLSOffered: 0x304, SNI: "192.0.2.1", Reason: reason.TLSUnrecognizedName, FirstByte: exchange.NotReached}
	})
	p := w.profile()
	if p.Server != "Microsoft-IIS/10.0" || p.Secure != "yes" || p.Ceiling != "TLS 1.2" || p.Offered != "TLS 1.3" || p.SNI != "needed" || p.Full != 10 || p.Resumed != 10 {
		t.Errorf("profile %+v", p)
	}
	if p.Requests != 28 || p.Connections != 25 || p.Failures != 5 || p.Statuses != [6]uint64{5, 0, 13, 0, 10, 0} || p.Reuse.Kept != 3 || p.Reuse.Least != 100 || p.Reuse.Most != 100 {
		t.Errorf("counts %+v", p)
	}
	if p.CertAsked != (CertAsked{Renegotiation: 10}) || len(p.Renegotiation.Paths) != 1 || p.Renegotiation.Paths[0].Path != "/login/now" {
		t.Errorf("asked %+v, renegotiation %+v", p.CertAsked, p.Renegotiation)
	}
	var all strings.Builder
	for _, l := range p.Lines(w.now) {
		fmt.Fprintln(&all, l.Label, l.Text)
	}
	for _, s := range p.Suggestions(w.now) {
		fmt.Fprintln(&all, s.Setting, s.Why)
	}
	for _, want := range []string{"yes, 10 times", "/login/now", "although TLS 1.3 was offered", "after 100 requests", "without one the handshake fails", "SSL Settings", "by renegotiation (10)", "2xx 13"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("lacks %q in:\n%s", want, all.String())
		}
	}
	if doc, _ := Marshal(&p); strings.Contains(string(doc), "password") || strings.Contains(string(doc), "db01") {
		t.Errorf("a query or a host name was kept: %s", doc)
	}
}

func TestSlow(t *testing.T) {
	w := newWorld(t)
	at := func(d time.Duration) bool {
		w.now = w.now.Add(100 * time.Millisecond)
		return w.book.Learn("s", 10, w.fresh(func(a *exchange.Attempt) { a.FirstByte = d }))
	}
	if at(30 * time.Second) {
		t.Error("slow without a baseline")
	}
	for i := range 400 {
		if at(time.Duration(3+i%40) * time.Millisecond) {
			t.Fatal("usual ones are slow")
		}
	}
	if at(900 * time.Millisecond) {
		t.Error("slow below a second")
	}
	if !at(2 * time.Second) {
		t.Error("2 s are not slow where 20 ms are usual")
	}
	if w.book.Learn("s", 0, w.fresh(func(a *exchange.Attempt) { a.FirstByte = time.Minute })) {
		t.Error("slow although switched off")
	}
	slow := 0
	for range 600 { // all have become slow, for a minute: not usual yet
		if at(5 * time.Second) {
			slow++
		}
	}
	if slow != 600 {
		t.Errorf("%d of 600 are slow", slow)
	}
	w.restart()
	if !at(5 * time.Second) {
		t.Error("the baseline is lost by a restart")
	}
	for range 150 { // and for hours: it is how the origin is
		w.now = w.now.Add(time.Minute)
		for range 40 {
			slow = 0
			if at(5 * time.Second) {
				slow = 1
			}
		}
	}
	if slow > 0 {
		t.Error("still slow after hours")
	}
	for range 20000 {
		at(10 * time.Millisecond)
	}
	if !at(3 * time.Second) {
		t.Error("does not come down at once")
	}
	if p := w.profile(); p.FirstByte.P50 < 10*time.Millisecond || p.FirstByte.P50 > 12500*time.Microsecond || p.FirstByte.Slow == 0 {
		t.Errorf("first byte %+v", p.FirstByte)
	}
}

// TestSlowPath: what one in twenty takes is how the origin is, though it is far from the median.
func TestSlowPath(t *testing.T) {
	w := newWorld(t)
	for i := range 1000 {
		d := 5 * time.Millisecond
		if i%20 == 0 {
			d = 8 * time.Second
		}
		w.now = w.now.Add(time.Second)
		if w.book.Learn("s", 10, w.fresh(func(a *exchange.Attempt) { a.FirstByte = d })) {
			t.Fatalf("the report is slow at %d", i)
		}
	}
}

func TestIdleClose(t *testing.T) {
	reuse := func(w *world, idle time.Duration) {
		w.now = w.now.Add(11 * time.Second)
		w.book.Learn("s", 10, w.fresh(func(a *exchange.Attempt) { a.Reused, a.Idle, a.Facts = true, idle, nil }))
	}
	closed := func(w *world, idle time.Duration) { w.now = w.now.Add(11 * time.Second); w.book.Closed("s", url, idle) }
	between := func(w *world, least, most time.Duration) {
		t.Helper()
		c := w.profile().IdleClose
		if c.AtLeast > least || c.AtLeast < least*3/4 || c.AtMost < most || c.AtMost > most*4/3 {
			t.Errorf("closes %s, want %s to %s", c, least, most)
		}
	}
	w := newWorld(t)
	for range 20 {
		reuse(w, 4500*time.Millisecond)
		reuse(w, time.Second)
		closed(w, 5200*time.Millisecond)
	}
	between(w, 4500*time.Millisecond, 5200*time.Millisecond)
	p := w.profile()
	if s := p.Suggestions(w.now); len(s) == 0 || !strings.Contains(s[0].Setting, "keepalive_idle: 3s") {
		t.Errorf("suggestions %+v", s)
	}
	for range 50 { // a restart: all at once
		w.book.Closed("s", url, 300*time.Millisecond)
	}
	for range 10 {
		reuse(w, 4500*time.Millisecond)
		closed(w, 200*time.Millisecond) // another reason, in between
	}
	between(w, 4500*time.Millisecond, 5200*time.Millisecond)
	w.restart()
	between(w, 4500*time.Millisecond, 5200*time.Millisecond)
	if w.kinds() != "" {
		t.Errorf("told %v", w.drift)
	}
	for range 10 {
		closed(w, 1100*time.Millisecond)
		reuse(w, 900*time.Millisecond)
	}
	if w.kinds() != IdleCloseChanged {
		t.Errorf("shorter: told %v", w.drift)
	}
	between(w, 900*time.Millisecond, 1100*time.Millisecond)
	w.drift = nil
	for range 10 {
		reuse(w, 30*time.Second)
	}
	if w.kinds() != IdleCloseChanged {
		t.Errorf("longer: told %v", w.drift)
	}
	if c := w.profile().IdleClose; c.AtMost != 0 || c.AtLeast < 20*time.Second {
		t.Errorf("closes %s", c)
	}
	w.drift = nil
	w.book.Survived("s", url, time.Minute)
	if c := w.profile().IdleClose; c.AtLeast < 45*time.Second || w.kinds() != "" {
		t.Errorf("closes %s, told %v", c, w.drift)
	}
}

func TestRestore(t *testing.T) {
	w := newWorld(t)
	w.learn(30, func(a *exchange.Attempt) { a.Server = "nginx/1.2" })
	w.learn(5, cert("b"))
	for range 5 {
		w.now = w.now.Add(2 * time.Second)
		w.book.Closed("s", url, 5*time.Second)
	}
	before := w.profile()
	w.restart()
	if after := w.profile(); !reflect.DeepEqual(before, after) {
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(after)
		t.Errorf("restored\n%s\nof\n%s", b, a)
	}
	if got := w.book.Unsaved(); len(got) != 0 {
		t.Errorf("%d unsaved after a restore", len(got))
	}
	w.learn(1, cert("c"))
	if len(w.book.Unsaved()) != 1 || len(w.book.Unsaved()) != 0 {
		t.Error("what is new is not handed out once")
	}
	w.learn(1, cert("c"))
	if len(w.book.Unsaved()) != 0 {
		t.Error("counts are stored too often")
	}
	w.now = w.now.Add(2 * time.Minute)
	if len(w.book.Unsaved()) != 1 {
		t.Error("counts are not stored")
	}
	p := before
	p.Format = 99
	w.book.Restore([]Profile{p, {Format: Format}})
	w.profile()
	for _, bad := range []string{"", "{", `{"format":2}`, `[]`, strings.Repeat(" ", mostDoc+1)} {
		if _, err := Unmarshal([]byte(bad)); err == nil {
			t.Errorf("%.20q was read", bad)
		}
	}
}

// TestHostile: whatever an origin says is bounded and steers no terminal.
func TestHostile(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("\x1b[31mx\u202e\n", 5000)
	for i := range 600 {
		w.now = w.now.Add(time.Second)
		w.book.Learn("s", 10, w.fresh(func(a *exchange.Attempt) {
			id := fmt.Sprintf("%d", i)
			a.SNI = id + long
			a.Peer = &exchange.Peer{Subject: long, Issuer: long, Fingerprint: id, Key: long, NotAfter: start.Add(time.Duration(i) * time.Second), SANs: strings.SplitAfter(strings.Repeat(long+",", 50), ",")}
			a.Server, a.ALPN = long+id, id+long
			a.TLSVersion, a.Cipher = uint16(i), uint16(i)
			a.Renegotiations, a.Status, a.Uses, a.Closing = 1, i*7919-5, i, true
			a.Sent = &exchange.Request{Path: "/" + id + "/" + long + "?a=b"}
			a.FirstByte, a.Idle = time.Duration(i)<<40, time.Duration(i)<<40
			a.Address = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 443)
		}))
	}
	p := w.profile()
	doc, err := Marshal(&p)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc) > 512<<10 {
		t.Errorf("%d bytes", len(doc))
	}
	var text strings.Builder
	for _, l := range p.Lines(w.now) {
		text.WriteString(l.Text)
	}
	for _, s := range p.Suggestions(w.now) {
		text.WriteString(s.Why + s.Setting)
	}
	for _, d := range w.drift {
		text.WriteString(d.Text + d.Advice)
	}
	if strings.ContainsAny(string(doc)+text.String(), "\x1b\n\u202e") || strings.Contains(string(doc), "u001b") {
		t.Error("control characters were kept")
	}
	b, _ := New(Config{Most: 5})
	for i := range 50 {
		b.Learn("s", 10, w.fresh(func(a *exchange.Attempt) { a.URL = fmt.Sprint("https://h", i) }))
	}
	if n := len(b.Profiles()); n != 5 {
		t.Errorf("%d profiles", n)
	}
	if _, err := New(Config{Most: -1}); err == nil {
		t.Error("a negative bound was taken")
	}
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"nginx", "nginx"}, {"Apache/2.4.57 (Debian) OpenSSL/3", "Apache/2.4.57"}, {"srv/db01.corp", "srv"}, {"", ""}, {"a b", "a"}, {"<script>", ""},
		{strings.Repeat("x", 100), ""}, {"Microsoft-IIS/10.0", "Microsoft-IIS/10.0"},
	} {
		if got := product(c.in); got != c.want {
			t.Errorf("product(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"/login", "/login"}, {"/", "/"}, {"", "/"}, {"*", "/…"}, {"/a/b/c", "/a/b"}, {"/user/123456", "/user/…"}, {"/a?x=y", "/a"}, {"/a;jsessionid=ABC/b", "/a/b"},
		{"/%61dmin", "/…"}, {"/reset/abcdefghijklmnopqrstuvwxyz", "/reset/…"},
	} {
		if got := beginning(c.in); got != c.want {
			t.Errorf("beginning(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestBuckets(t *testing.T) {
	for d := time.Duration(1); d < 24*time.Hour; d += d/7 + 1 {
		b := bucketOf(d)
		if d > upTo(b) && b < buckets-1 || d < from(b) || b > 0 && bucketOf(from(b)-1) != b-1 {
			t.Fatalf("%s is in bucket %d, %s to %s", d, b, from(b), upTo(b))
		}
	}
	if bucketOf(-1) != 0 || bucketOf(1<<62) != buckets-1 {
		t.Error("extremes")
	}
}

// TestAtOnce has several goroutines learn, look and restore.
func TestAtOnce(t *testing.T) {
	b, _ := New(Config{})
	w := newWorld(t)
	first, kept := w.fresh(nil), w.fresh(func(a *exchange.Attempt) { a.Reused, a.Facts, a.Idle = true, nil, time.Second })
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 500 {
				b.Learn("s", 10, first)
				b.Learn("s", 10, kept)
				b.Closed("s", url, time.Second)
				if j%100 == i {
					b.Restore(b.Profiles())
					b.Unsaved()
					b.Check()
				}
			}
		})
	}
	wg.Wait()
	if p := b.Profiles(); p[0].Requests != 4000 || p[0].Connections != 2000 {
		t.Errorf("counted %d requests on %d connections", p[0].Requests, p[0].Connections)
	}
}

func TestKeptConnectionAllocatesNothing(t *testing.T) {
	b, _ := New(Config{})
	w := newWorld(t)
	b.Learn("s", 10, w.fresh(nil))
	kept := w.fresh(func(a *exchange.Attempt) { a.Reused, a.Facts, a.Idle = true, nil, time.Second })
	if n := testing.AllocsPerRun(1000, func() { b.Learn("s", 10, kept) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func benchmark(b *testing.B, change func(*exchange.Attempt)) {
	book, _ := New(Config{})
	w := &world{now: start}
	book.Learn("www.example.com", 10, w.fresh(nil))
	a := w.fresh(change)
	b.ReportAllocs()
	for b.Loop() {
		book.Learn("www.example.com", 10, a)
	}
}

// BenchmarkLearnKept is what every request on a kept connection costs.
func BenchmarkLearnKept(b *testing.B) {
	benchmark(b, func(a *exchange.Attempt) { a.Reused, a.Facts, a.Idle = true, nil, 80*time.Millisecond })
}

// BenchmarkLearnFresh is what every request on a new connection costs.
func BenchmarkLearnFresh(b *testing.B) { benchmark(b, nil) }
