package probe

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/lunette-waf/lunette/internal/recording"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// enoughBits is the shortest DH prime that current libraries take.
const enoughBits = 2048

// errNoHello says that nothing came that continues a handshake.
var errNoHello = errors.New("no ServerHello came")

// alertError is an alert in clear as an error.
type alertError uint8

func (a alertError) Error() string { return "remote error: tls: " + tlswire.AlertName(uint8(a)) }

// greet sends a ClientHello of our own making and reads what the origin answers to it, up to ServerHelloDone. The handshake goes no
// further: what was asked is known then.
func (c *climb) greet(o *Outcome, rc *recording.Conn, t try) {
	limit := t.shake
	if limit == 0 {
		limit = c.timeout
	}
	start := time.Now()
	rc.SetDeadline(start.Add(limit))
	h := *t.own
	_, _ = rand.Read(h.Random[:])
	h.BuildExtensions()
	version := min(h.Version, tlswire.VersionTLS10) // RFC 5246 appendix E.1
	out := tlswire.AppendRecord(nil, tlswire.TypeHandshake, version, tlswire.AppendClientHello(nil, &h))
	err := write(rc, out, t.split)
	if err == nil {
		err = readFlight(o, rc)
	}
	if o.Hello.Prime > 0 && o.Hello.Prime < enoughBits { // as OpenSSL 3 does
		_, _ = rc.Write(tlswire.AppendRecord(nil, tlswire.TypeAlert, version, tlswire.AppendAlert(nil, tlswire.Alert{Level: tlswire.AlertFatal, Number: tlswire.AlertHandshakeFailure})))
		o.Natural = !c.plain.Shaken()
	}
	o.Times.TLS = time.Since(start)
	if err != nil {
		o.Err, o.Phase = err, "tls"
		c.gaveUp(rc, err, "timeouts.tls", o.Times.TLS)
	}
}

// write sends p, on demand so that it cannot travel in one segment.
func write(w io.Writer, p []byte, split bool) error {
	pieces := [][]byte{p}
	if split {
		pieces = [][]byte{p[:len(p)/2], p[len(p)/2:]}
	}
	for i, piece := range pieces {
		if i > 0 {
			time.Sleep(20 * time.Millisecond) // the first half has left by then
		}
		if _, err := w.Write(piece); err != nil {
			return fmt.Errorf("send client hello: %w", err)
		}
	}
	return nil
}

// readFlight reads the origin's first flight.
func readFlight(o *Outcome, r io.Reader) error {
	f := flight{o: o, records: tlswire.RecordScanner{Collect: tlswire.MaxRecordPayload}}
	buf := make([]byte, 16<<10)
	for total := 0; total < tlswire.MaxMessage*2; {
		n, err := r.Read(buf)
		total += n
		if !f.records.Feed(buf[:n], f.record) {
			return errNotTLS
		}
		switch {
		case f.alert != nil:
			o.Alert = int(*f.alert)
			return alertError(*f.alert)
		case f.done:
			return nil
		case err != nil && o.Hello.Version != 0 && timedOut(err):
			return nil // the hello is what was asked for
		case err != nil:
			return err
		}
	}
	return errNoHello
}

var errNotTLS = errors.New("the origin does not speak TLS here")

// flight gathers what matters of the messages.
type flight struct {
	o        *Outcome
	records  tlswire.RecordScanner
	messages tlswire.MessageScanner
	alert    *uint8
	done     bool
}

func (f *flight) record(r tlswire.Record) {
	switch r.Type {
	case tlswire.TypeAlert:
		if a, ok := tlswire.ParseAlert(r.Head); ok && a.Level == tlswire.AlertFatal && f.alert == nil {
			f.alert = &a.Number
		}
	case tlswire.TypeHandshake:
		f.messages.Feed(r.Head, f.message)
	}
}

func (f *flight) message(m tlswire.Message) {
	switch m.Type {
	case tlswire.MsgServerHello:
		if h, err := tlswire.ParseServerHello(m.Body); err == nil && f.o.Hello.Version == 0 {
			f.o.Hello = Hello{Version: h.Negotiated(), Suite: h.Suite}
			f.done = h.Negotiated() >= tlswire.VersionTLS13 // the rest is not for us to read
		}
	case tlswire.MsgServerKeyExchange:
		suite, ok := tlswire.SuiteByID(f.o.Hello.Suite)
		if !ok {
			return
		}
		if k, err := tlswire.ParseServerKeyExchange(m.Body, suite.KX, f.o.Hello.Version); err == nil && len(k.P) > 0 {
			f.o.Hello.Prime = bits(k.P)
		}
	case tlswire.MsgCertificateRequest:
		f.o.AsksCert = true
	case tlswire.MsgServerHelloDone:
		f.done = true
	}
}

func bits(p []byte) int {
	for len(p) > 0 && p[0] == 0 {
		p = p[1:]
	}
	if len(p) == 0 {
		return 0
	}
	n := len(p) * 8
	for b := p[0]; b < 0x80; b <<= 1 {
		n--
	}
	return n
}

// hello is a ClientHello of our own making as TLS 1.2 knew it, of the given version and suites.
func (c *climb) hello(version uint16, suites ...uint16) *tlswire.ClientHello {
	h := &tlswire.ClientHello{Version: version, Suites: append(suites, tlswire.SuiteRenegotiationSCSV), Compression: []byte{0}}
	if version == tlswire.VersionSSL30 {
		return h // it knows no extensions
	}
	h.ServerName = c.cfg.Target.sni()
	h.Groups = []uint16{0x001d, 0x0017, 0x0018, 0x0019}
	h.PointFormats = []byte{0}
	if version >= tlswire.VersionTLS12 {
		h.SignatureSchemes = []uint16{0x0804, 0x0403, 0x0401, 0x0805, 0x0503, 0x0501, 0x0806, 0x0603, 0x0601, 0x0203, 0x0201}
	}
	return h
}
