package flow

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
)

const (
	request  = "GET /a HTTP/1.1\r\nHost: www.example.org\r\n\r\n"
	response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
)

// exchange is one request and its response.
func exchange(t *testing.T) func(c, s *tls.Conn) {
	return func(c, s *tls.Conn) {
		send(t, c, s, request)
		send(t, s, c, response)
	}
}

func (s *script) plays(all []said) {
	for _, one := range all {
		s.says(one.side, one.data)
	}
}

func TestTLSIsOpened(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		all, keys := talk(t, version, exchange(t))
		s := newScript(t, Config{KeyLog: true}, keys)
		s.plays(all)
		f := s.done()
		if f.Protocol != ProtocolTLS || f.TLS == nil || f.TLS.Version != version || f.TLS.ServerName != "www.example.org" || f.TLS.Closed != 0 {
			t.Fatalf("%x: the flow is %q, %+v", version, f.Protocol, f.TLS)
		}
		if f.HTTP != "HTTP/1.1" || len(f.Exchanges) != 1 || f.Exchanges[0].Response.Head.Status != 200 || !f.Exchanges[0].Response.Complete {
			t.Errorf("%x: HTTP is %q, exchanges %+v", version, f.HTTP, f.Exchanges)
		}
		if len(f.KeyLog) == 0 {
			t.Errorf("%x: no key log", version)
		}
		for _, want := range []string{"c:client_hello", "s:server_hello", "handshake_done", "c:application_data", "c:request_head", "s:application_data", "s:response_done"} {
			if !strings.Contains(kinds(f), want) {
				t.Errorf("%x: no %s in %s", version, want, kinds(f))
			}
		}
	}
}

// However the bytes come, the same flow comes out.
func TestSplittingChangesNothing(t *testing.T) {
	all, keys := talk(t, tls.VersionTLS12, exchange(t))
	opening := append([]said{{client, "PROXY TCP4 10.0.0.1 10.0.0.2 4000 443\r\nCONNECT www.example.org:443 HTTP/1.1\r\n\r\n"},
		{server, "HTTP/1.1 200 Connection established\r\n\r\n"}}, all...)
	for _, size := range []int{1, 2, 3, 7, 100} {
		whole, cut := newScript(t, Config{}, keys), newScript(t, Config{}, keys)
		for _, one := range opening {
			at := whole.tick()
			whole.b.Data(one.side, at, []byte(one.data))
			for p := []byte(one.data); len(p) > 0; p = p[min(size, len(p)):] {
				cut.b.Data(one.side, at, p[:min(size, len(p))])
			}
		}
		if a, b := kinds(whole.done()), kinds(cut.done()); a != b {
			t.Errorf("in pieces of %d:\n%s\nbut whole:\n%s", size, b, a)
		}
	}
}

func TestProtocols(t *testing.T) {
	const hello = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"
	tests := map[string]struct {
		said           []said
		protocol, http string
		want           string // among the facts
	}{
		"HTTP in clear":        {[]said{{client, request}, {server, response}}, ProtocolHTTP, "HTTP/1.1", "c:plain_request c:request_head"},
		"HTTP/2 in clear":      {[]said{{client, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"}}, ProtocolHTTP, "HTTP/2", "c:http2_preface"},
		"an answer in clear":   {[]said{{client, hello}, {server, "HTTP/1.1 400 Bad Request\r\n\r\n"}}, ProtocolTLS, "", "s:not_tls"},
		"server speaks first":  {[]said{{server, "220 mail.example.org ESMTP\r\n"}, {client, "EHLO x\r\n"}}, ProtocolUnknown, "", ""},
		"a banner, then TLS":   {[]said{{server, "SSH-2.0-OpenSSH_9.2\r\n"}, {client, hello}}, ProtocolTLS, "", "s:not_tls c:client_hello"},
		"something else":       {[]said{{client, "SSH-2.0-OpenSSH_9.2\r\n"}}, ProtocolUnknown, "", ""},
		"a timeout unasked":    {[]said{{server, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"}}, ProtocolHTTP, "HTTP/1.1", "s:response_head"},
		"PROXY, version 1":     {[]said{{client, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + request}}, ProtocolHTTP, "HTTP/1.1", "c:proxy_protocol c:plain_request"},
		"PROXY, version 2":     {[]said{{client, proxyV2 + "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x00\x01\x00\x02" + request}}, ProtocolHTTP, "HTTP/1.1", "c:proxy_protocol"},
		"CONNECT, then clear":  {[]said{{client, "CONNECT h:80 HTTP/1.1\r\n\r\n"}, {server, "HTTP/1.1 200 OK\r\n\r\n"}, {client, request}}, ProtocolHTTP, "HTTP/1.1", "c:proxy_connect s:proxy_tunnel c:plain_request"},
		"CONNECT, refused":     {[]said{{client, "CONNECT h:80 HTTP/1.1\r\n\r\n"}, {server, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"}}, ProtocolHTTP, "HTTP/1.1", "s:proxy_tunnel"},
		"CONNECT, then silent": {[]said{{client, "CONNECT h:80 HTTP/1.1\r\n\r\n"}}, ProtocolHTTP, "HTTP/1.1", "c:proxy_connect"},
		"nothing":              {nil, "", "", ""},
		"too little":           {[]said{{client, "\x16"}}, ProtocolUnknown, "", ""},
	}
	for name, tt := range tests {
		s := newScript(t, Config{}, nil)
		s.plays(tt.said)
		if f := s.done(); f.Protocol != tt.protocol || f.HTTP != tt.http || !strings.Contains(kinds(f), tt.want) {
			t.Errorf("%s: %q over %q, facts %s; want %q over %q with %s", name, f.HTTP, f.Protocol, kinds(f), tt.http, tt.protocol, tt.want)
		}
	}
}

// A proxy that wants a password is asked twice on one connection.
func TestConnectAfterRefusal(t *testing.T) {
	all, keys := talk(t, tls.VersionTLS13, exchange(t))
	s := newScript(t, Config{}, keys)
	s.says(client, "CONNECT www.example.org:443 HTTP/1.1\r\n\r\n")
	s.says(server, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno")
	s.says(client, "CONNECT www.example.org:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n")
	s.says(server, "HTTP/1.1 200 Connection established\r\n\r\n")
	s.plays(all)
	f := s.done()
	if f.Tunnel != "www.example.org:443" || f.Protocol != ProtocolTLS || f.TLS == nil || f.TLS.Decrypted == 0 {
		t.Errorf("tunnel %q, protocol %q, %+v", f.Tunnel, f.Protocol, f.TLS)
	}
	if got := strings.Count(kinds(f), "proxy_tunnel"); got != 2 {
		t.Errorf("%d answers of the proxy in %s", got, kinds(f))
	}
	if n := len(f.Exchanges); n == 0 || f.Exchanges[n-1].Response.Head.Status != 200 {
		t.Errorf("exchanges %+v", f.Exchanges)
	}
}

func TestMidstream(t *testing.T) {
	all, _ := talk(t, tls.VersionTLS12, func(c, s *tls.Conn) {
		send(t, c, s, strings.Repeat("x", 5000))
		send(t, s, c, strings.Repeat("y", 5000))
		send(t, c, s, strings.Repeat("x", 5000))
	})
	last := all[len(all)-3:]
	for cut := range 20 {
		s := newScript(t, Config{}, secrets.New())
		s.conn.Midstream = true
		last[0].data = last[0].data[min(cut, 1):]
		s.plays(last)
		if f := s.done(); f.Protocol != ProtocolTLS || f.TLS == nil || !strings.Contains(kinds(f), "s:application_data") {
			t.Errorf("cut by %d: %q, %s", cut, f.Protocol, kinds(f))
		}
	}
	s := newScript(t, Config{}, nil)
	s.conn.Midstream = true
	s.says(client, "\x00\x01\x02\x03 nothing known "+strings.Repeat("\xff", 500))
	if f := s.done(); f.Protocol != ProtocolUnknown || f.TLS != nil {
		t.Errorf("unknown bytes are %q, %+v", f.Protocol, f.TLS)
	}
}

func TestSilences(t *testing.T) {
	hello := func(t *testing.T) []said {
		all, _ := talk(t, tls.VersionTLS12, exchange(t))
		return all
	}(t)
	const alert12 = "\x15\x03\x03\x00\x1aaaaaaaaaaaaaaaaaaaaaaaaaaa"
	tests := map[string]struct {
		play func(s *script)
		side fact.Side
		what string
	}{
		"after the SYN":           {func(s *script) { s.fact(fact.TCPSyn, client) }, server, "syn_ack"},
		"after TCP":               {func(s *script) { s.fact(fact.TCPConnected, client) }, client, "first_bytes"},
		"after a ClientHello":     {func(s *script) { s.says(client, hello[0].data) }, server, "server_hello"},
		"after the server's part": {func(s *script) { s.plays(hello[:2]) }, client, "client_key_exchange"},
		"after the client's":      {func(s *script) { s.plays(hello[:3]) }, server, "finished"},
		"after the handshake":     {func(s *script) { s.plays(hello[:4]) }, client, "application_data"},
		"closed: after a request": {func(s *script) { s.plays(hello[:5]) }, server, "application_data"},
		"closed: after an answer": {func(s *script) { s.plays(hello) }, fact.SideNone, dark},
		"clear: after a request":  {func(s *script) { s.says(client, request) }, server, "response"},
		"clear: after TCP and it": {func(s *script) { s.fact(fact.TCPConnected, client); s.says(client, request) }, server, "response"},
		"unknown bytes after TCP": {func(s *script) { s.fact(fact.TCPConnected, client); s.says(client, "\x00\x01\x02") }, fact.SideNone, idle},
		"clear: after an answer":  {func(s *script) { s.says(client, request); s.says(server, response) }, fact.SideNone, idle},
		"clear: within an answer": {func(s *script) { s.says(client, request); s.says(server, response[:40]) }, server, "rest of the response body"},
		"a proxy is asked":        {func(s *script) { s.says(client, "CONNECT h:1 HTTP/1.1\r\n\r\n") }, server, "proxy_tunnel"},
		"the one who owes left":   {func(s *script) { s.says(client, request); s.ends(server, fact.TCPClosed) }, fact.SideNone, closing},
		"the one who waits left":  {func(s *script) { s.says(client, request); s.ends(client, fact.TCPClosed) }, fact.SideNone, closing},
		"closed: an alert since":  {func(s *script) { s.plays(hello[:5]); s.says(client, alert12) }, fact.SideNone, closing},
	}
	for name, tt := range tests {
		for _, atEnd := range []bool{false, true} {
			s := newScript(t, Config{}, nil)
			tt.play(s)
			last := s.now.Frame
			if atEnd {
				s.now.At += int64(5 * time.Second)
			} else {
				s.pause(5 * time.Second)
				s.ends(client, fact.TCPReset)
			}
			f := s.done()
			if atEnd && tt.side == fact.SideNone {
				if f.Decisive >= 0 || strings.Contains(kinds(f), "silence") {
					t.Errorf("%s: an idle end is a silence: %s", name, kinds(f))
				}
				continue
			}
			var got fact.Fact
			for i := range f.Facts {
				if f.Facts[i].Kind == fact.Silence {
					got = f.Facts[i]
				}
			}
			if got.Side != tt.side || got.Text != tt.what || got.Size != int64(5*time.Second) || got.Frame != last {
				t.Errorf("%s, at the end %t: silence %v %q of %d ns after frame %d, want %v %q after %d", name, atEnd, got.Side, got.Text, got.Size, got.Frame, tt.side, tt.what, last)
			}
			if owed := f.Decisive >= 0; owed != (tt.side != fact.SideNone) {
				t.Errorf("%s: decisive is %d", name, f.Decisive)
			}
		}
	}
}

// Pauses among segments that waited for the connection to be opened are found too.
func TestSilenceBeforeOpening(t *testing.T) {
	s := newScript(t, Config{}, nil)
	s.conn.Midstream = true
	s.b.opened = 3
	s.says(client, request)
	s.now.At += 4e9
	s.says(server, response)
	s.now.At += 4e9
	s.says(client, request)
	s.now.At += 4e9 // tcpstream tells of this one
	s.says(server, response)
	f := s.done()
	if got := strings.Count(kinds(f), "silence"); got != 2 || f.Decisive < 0 || f.Facts[f.Decisive].Text != "response" {
		t.Errorf("%d silences in %s", got, kinds(f))
	}
}

// Whose turn it was follows from everything that came before the silence, also where that waited for bytes that are missing.
func TestSilenceBeforeLateBytes(t *testing.T) {
	s := newScript(t, Config{}, nil)
	s.fact(fact.TCPConnected, client)
	s.says(client, request)
	asked := s.now
	s.tick()
	s.pause(5 * time.Second) // the answer has come before it, and waits
	s.now, asked = asked, s.now
	s.says(server, response)
	s.now = asked
	s.says(client, request)
	f := s.done()
	if n := strings.Count(kinds(f), "silence"); n != 1 || f.Decisive >= 0 {
		t.Errorf("%d silences, decisive %d, in %s", n, f.Decisive, kinds(f))
	}
}
