package explain

import (
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/httptimeline"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

func flowJSON(c *Capture, n int, f *flow.Flow) *jsonFlow {
	out := &jsonFlow{Number: c.number(n), Client: f.Client.String(), Server: f.Server.String(), Tunnel: f.Tunnel,
		Start: f.Start.Time(), End: f.End.Time(), Duration: float64(f.End.At-f.Start.At) / 1e9, Midstream: f.Midstream, Purpose: f.Purpose, Variant: f.Variant, RTT: float64(f.RTT) / 1e9,
		Packets: sides(f.Packets), Bytes: sides(f.Bytes), Closed: jsonClosed{closedBy(f, fact.SideClient), closedBy(f, fact.SideServer)},
		Protocol: f.Protocol, HTTPProtocol: f.HTTP, Events: make([]jsonEvent, 0, len(f.Facts)), EventsOmitted: f.Omitted,
		HTTP: []jsonHTTP{}, ExchangesOmitted: f.ExchangesOmitted, Findings: findingsJSON(c, n), Lacking: lackingJSON(c.result(n))}
	if f.TLS != nil {
		out.SNI, out.TLS = f.TLS.ServerName, tlsJSON(f.TLS)
	}
	if f.Decisive >= 0 {
		out.Decisive = &f.Decisive
	}
	for i := range f.Facts {
		out.Events = append(out.Events, eventJSON(c, f, &f.Facts[i]))
	}
	for _, x := range f.Exchanges {
		out.HTTP = append(out.HTTP, exchangeJSON(c, f, x))
	}
	return out
}

func sides(n [3]int64) jsonSides { return jsonSides{n[fact.SideClient], n[fact.SideServer]} }

func closedBy(f *flow.Flow, s fact.Side) string {
	if f.Closed[s] == fact.None {
		return ""
	}
	return f.Closed[s].String()
}

func tlsJSON(i *decrypt.Info) *jsonTLS {
	out := &jsonTLS{ALPN: i.ALPN, Group: i.Group, Decrypted: i.Why == decrypt.WhyNot, WhyNot: string(i.Why), Source: i.Source,
		RecordsOpened: i.Decrypted, RecordsClosed: i.Closed, PlainBytes: sides(i.PlainBytes), Established: i.Established, Handshakes: i.Handshakes,
		Resumed: i.Resumed, EarlyData: i.EarlyData, HelloRequests: i.HelloRequests, HelloRequestAnswer: i.Answer,
		CertificateRequested: i.CertificateRequested, ClientCertificate: i.ClientCertificate, ExtendedMasterSecret: i.ExtendedMaster,
		EncryptThenMAC: i.EncryptThenMAC, SecureRenegotiation: i.SecureRenegotiation, JA3: i.JA3, JA3S: i.JA3S, JA4: i.JA4}
	if i.Why != decrypt.WhyNot {
		out.WhyNotText = i.Why.Text()
	}
	if i.Version != 0 {
		out.Version = tlswire.VersionName(i.Version)
	}
	if i.Suite != 0 {
		out.Cipher = tlswire.SuiteName(i.Suite)
	}
	if i.FirstSuite != 0 && i.FirstSuite != i.Suite {
		out.FirstCipher = tlswire.SuiteName(i.FirstSuite)
	}
	return out
}

func eventJSON(c *Capture, f *flow.Flow, x *fact.Fact) jsonEvent {
	e := jsonEvent{At: x.At.UTC(), AtS: float64(x.At.UnixNano()-f.Start.At) / 1e9, Side: x.Side.String(), Kind: x.Kind.String(),
		Code: x.Code, Size: x.Size, Text: x.Text, Detail: x.Detail}
	e.File, e.Frame = c.frame(x.Frame)
	switch x.Kind {
	case fact.Silence, fact.TCPConnected, fact.TCPFailed, fact.TCPWindowOpen, fact.TLSHelloRequestAnswer, fact.HTTP2FlowBlocked, fact.PoolWaited, fact.ConnReused,
		fact.GaveUp, fact.ClientLeft, fact.HealthChecked:
		e.Span, e.Size = float64(x.Size)/1e9, 0
	}
	return e
}

func exchangeJSON(c *Capture, f *flow.Flow, x *httptimeline.Exchange) jsonHTTP {
	out := jsonHTTP{Number: x.Number, Stream: x.Stream, Request: messageJSON(c, f, &x.Request), Response: messageJSON(c, f, &x.Response),
		Upgraded: x.Upgraded, Broken: x.Broken, Reset: x.Reset, Timing: timingJSON(x)}
	for i := range x.Interim {
		out.Interim = append(out.Interim, messageJSON(c, f, &x.Interim[i]))
	}
	if w := x.WebSocket; w != nil {
		codes := [3]int64{0, int64(w.CloseCode[fact.SideClient]), int64(w.CloseCode[fact.SideServer])}
		out.WebSocket = &jsonWebSocket{sides(w.Messages), sides(w.Bytes), sides(w.Pings), sides(w.Pongs), sides(codes), w.Compressed}
	}
	return out
}

// messageJSON is nil for a message that did not come.
func messageJSON(c *Capture, f *flow.Flow, m *httptimeline.Message) *jsonMessage {
	if m.Head == nil && m.First.At == 0 {
		return nil
	}
	out := &jsonMessage{HeadSize: m.HeadSize, Size: m.Size, Announced: -1, SHA256: m.SHA256, Missing: m.Missing, Complete: m.Complete, Trailers: m.Trailers,
		Headers: []fact.Field{}}
	if m.First.At != 0 {
		at := m.First.Time()
		out.At, out.AtS = &at, float64(m.First.At-f.Start.At)/1e9
		out.File, out.Frame = c.frame(m.First.Frame)
	}
	if h := m.Head; h != nil {
		out.Method, out.Target, out.Scheme, out.Authority, out.Proto = h.Method, h.Target, h.Scheme, h.Authority, h.Proto
		out.Status, out.Phrase, out.Announced = h.Status, h.Phrase, h.Length
		out.Headers = append(out.Headers, h.Fields...)
	}
	if isText(m.Body) {
		out.Body = string(m.Body)
	} else {
		out.BodyBase64 = m.Body
	}
	return out
}

// isText reports whether a body can stand as a string.
func isText(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return true
}

// timingJSON takes an exchange apart: nil for what is not known.
func timingJSON(x *httptimeline.Exchange) jsonTiming {
	between := func(from, to fact.Stamp) *float64 {
		if from == (fact.Stamp{}) || to == (fact.Stamp{}) {
			return nil
		}
		s := float64(to.At-from.At) / float64(time.Second)
		return &s
	}
	q, p := &x.Request, &x.Response
	return jsonTiming{between(q.First, q.Last), between(q.Last, p.First), between(p.First, p.Last), between(q.First, p.Last)}
}
