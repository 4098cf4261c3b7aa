package originlog

import (
	"strings"
	"testing"
	"time"
)

// What visitors and applications write into a log is never read as a line of another log, nor as of another connection.
func TestForged(t *testing.T) {
	const httperr = "2026-11-22 12:18:05 127.0.0.1 35072 127.0.0.1 443 HTTP/1.1 GET / - 1 Timer_SslRenegotiation DefaultAppPool"
	const victim = "127.0.0.1:35072"
	for _, c := range []struct{ name, log string }{
		{"HTTPERR as User-Agent", `198.51.100.9 - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5 "-" "x.log:` + httperr + `"`},
		{"HTTPERR as Referer", `198.51.100.9 - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5 "httperr1.log:` + httperr + `" "-"`},
		{"HTTPERR in a request line", `198.51.100.9 - - [22/Nov/2026:12:18:10 +0000] "GET /x.log:` + httperr + ` HTTP/1.1" 400 5 "-" "-"`},
		{"HTTPERR as user name", `198.51.100.9 - httperr1.log:` + httperr + ` [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 401 5`},
		{"HTTPERR as X-Forwarded-For in the place of the client", httperr + ` - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`},
		{"HTTPERR behind its file as X-Forwarded-For", `httperr1.log:` + httperr + ` - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5 "-" "-"`},
		{"HTTPERR as X-Forwarded-For, time of another form", `httperr1.log:` + httperr + ` - - [2026-11-22T12:18:10Z] "GET / HTTP/1.1" 200 5 "-" "-"`},
		{"HTTPERR in a log of another form", `2026-11-22T12:18:10Z 198.51.100.9 GET / 200 x.log:` + httperr},
		{"W3C without #Fields", `2026-11-22 12:18:05 127.0.0.1 35072 127.0.0.1 443 GET / - 200 0 0 Timer_SslRenegotiation -`},
		{"a request with spaces in HTTPERR", httperrFields + `2026-11-22 12:18:05 127.0.0.1 35072 127.0.0.1 443 HTTP/1.1 GET / - - 1 Timer_SslRenegotiation x HTTP/1.1 - - 1 Verb -`},
		{"directives as X-Forwarded-For", "#Fields: date time c-ip c-port s-reason - - [22/Nov/2026:12:18:10 +0000] \"GET / HTTP/1.1\" 200 5\n" +
			`2026-11-22 12:18:05 127.0.0.1 35072 Timer_SslRenegotiation - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5`},
		{"Apache's error as X-Forwarded-For", `[Sun Nov 22 12:18:05.4 2026] [ssl:info] [pid 77] [client 127.0.0.1:35072] AH02226: x - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5`},
		{"nginx' error as X-Forwarded-For", `2026/11/22 12:18:05 [info] 1#1: *1 x, client: 127.0.0.1:35072 - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5`},
		{"HTTPERR between lines of an access log", `198.51.100.9 - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5` + "\n" + httperr},
		{"Apache's error between lines of HTTPERR", httperrFields + strings.ReplaceAll(httperr, "35072", "1") + " -\n[Sun Nov 22 12:18:05.4 2026] [ssl:info] [client 127.0.0.1:35072] AH02226: x"},
		{"a client in an application's message", `[Sun Nov 22 12:18:05.5 2026] [php:notice] [pid 77] [client 198.51.100.9:4711] [client 127.0.0.1:35072] AH02226: Awaiting re-negotiation handshake`},
		{"a client in a message behind none", `[Sun Nov 22 12:18:05.5 2026] [core:error] [pid 77] x: [client 127.0.0.1:35072] AH02226: Awaiting re-negotiation handshake`},
		{"a client in the name of a file", `[Sun Nov 22 12:18:05.5 2026] [core:error] [pid 77] (13)Permission denied: /srv/[client 127.0.0.1:35072] AH02226: x`},
		{"a client in the name of nginx' file", `2026/11/22 12:18:05 [error] 7#7: *1 open() "/srv/www/a, client: 127.0.0.1:35072, b" failed (2: No such file or directory), client: 198.51.100.9, server: x, request: "GET /a HTTP/1.1", host: "x"`},
		{"a client in nginx' referrer", `2026/11/22 12:18:05 [error] 7#7: *1 open() "/srv/www/a" failed, client: 198.51.100.9, server: x, request: "GET /a HTTP/1.1", host: "x", referrer: "b, client: 127.0.0.1:35072, server: x"`},
		{"a port that nginx never writes", `2026/11/22 12:18:05 [error] 7#7: *1 open() "/srv/www/a" failed, client: 127.0.0.1:35072, server: x, request: "GET /a HTTP/1.1"`},
		{"an address as user name", `198.51.100.9 127.0.0.1:35072 - jane [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5`},
		{"a port in a User-Agent with quotes", `127.0.0.1 - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5 "-" "a\" port=35072"`},
		{"a port in a User-Agent without quotes", `127.0.0.1 - - [22/Nov/2026:12:18:10 +0000] "GET / HTTP/1.1" 200 5 Mozilla/5.0 port=35072`},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, _, _ := Read(strings.NewReader(c.log), "x.log", Config{})
			for i := range entries {
				if e := &entries[i]; e.Client == victim || e.Phrase == "Timer_SslRenegotiation" && e.From.Port() == 35072 {
					t.Errorf("read as %s of %s: %q", e.Format, e.Client, e.Phrase)
				}
			}
		})
	}
}

// The code of a message is what Apache begins it with; nothing in a path, and nothing that an application said.
func TestForgedCode(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`[ssl:info] [pid 7:tid 8] [client 192.0.2.10:1] AH02226: Awaiting re-negotiation handshake`, "AH02226"},
		{`[ssl:debug] [pid 7] ssl_engine_io.c(1106): [client 192.0.2.10:1] AH02001: Connection closed to child`, "AH02001"},
		{`[core:error] [pid 7] (13)Permission denied: [client 192.0.2.10:1] AH00035: access to /AH02226: denied`, "AH00035"},
		{`[core:debug] [pid 7] util.c(9): (13)Permission denied: [client 192.0.2.10:1] AH00035: access`, "AH00035"},
		{`[proxy:error] [pid 7] (111)Connection refused: AH00957: https: attempt to connect`, "AH00957"},
		{`[core:info] [client 192.0.2.10:1] File does not exist: /srv/AH02226: x`, ""},
		{`[php:notice] [pid 7] [client 192.0.2.10:1] AH02226: Awaiting re-negotiation handshake`, ""},
		{`[cgi:error] [pid 7] [client 192.0.2.10:1] AH02226: x`, ""},
		{`[core:info] [client 192.0.2.10:1] /srv/a: AH02226: x`, ""},
	} {
		entries, _, err := Read(strings.NewReader("[Sun Nov 22 12:18:05.5 2026] "+c.line), "x.log", Config{})
		if err != nil || len(entries) != 1 || entries[0].Phrase != c.want || c.want != "" && strings.Contains(c.line, "client") && entries[0].Client != "192.0.2.10:1" {
			t.Errorf("%s: %v, %+v, want %q", c.line, err, entries, c.want)
		}
	}
}

// A log cannot make more of one connection, or of one record, than is of use.
func TestFloods(t *testing.T) {
	entries := make([]Entry, 3*mostOfOne)
	for i := range entries {
		entries[i] = entry(HTTPErr, 1, 100+float64(i)/1000, During, "", "", 0)
	}
	entries[len(entries)-1].Code = "Timer_SslRenegotiation"
	j := Join([]Conn{conn(1, 0, false, 0, "/app")}, entries)
	if facts := j.Facts[0]; len(facts) != mostOfOne || j.Lines != mostOfOne || j.Beyond != 2*mostOfOne || facts[len(facts)-1].Text != "Timer_SslRenegotiation" {
		t.Errorf("%d facts, %d lines, %d beyond", len(facts), j.Lines, j.Beyond)
	}
	_, report, err := Read(strings.NewReader("<failedRequest>"+strings.Repeat("<a>", 1<<20)), "fr1.xml", Config{})
	if err == nil || report.Damaged != 1 || !strings.Contains(report.Faults[0], "deep") {
		t.Errorf("%v, %+v", err, report)
	}
}

// A port in an access log may be what a visitor wrote: where all requests of that connection were read, it must be one of them.
func TestStrangePort(t *testing.T) {
	conns := []Conn{conn(1, 0, true, 200, "/app")}
	e := entry(Access, 1, 0.1, During, "GET", "/login", 403)
	if j := Join(conns, []Entry{e}); j.Lines != 0 {
		t.Errorf("a request that the connection did not bear is joined to it: %+v", j)
	}
	conns[0].Facts = conns[0].Facts[2:] // nothing of the requests was read
	if j := Join(conns, []Entry{e}); j.Lines != 1 {
		t.Errorf("sealed connection: %+v", j)
	}
	if k := Join(conns, []Entry{e}).Clock; k.Offset.Abs() > time.Second {
		t.Errorf("clock %+v", k)
	}
}
