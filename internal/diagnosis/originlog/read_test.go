package originlog

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	httperrFields = "#Software: Microsoft HTTP API 2.0\r\n#Version: 1.0\r\n#Date: 2026-11-22 11:00:00\r\n#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid sc-status s-siteid s-reason s-queuename\r\n"
	w3cFields     = "#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n"
)

// lines are what an entry says, in one line.
func lines(entries []Entry) string {
	var b strings.Builder
	for i := range entries {
		e := &entries[i]
		fmt.Fprintf(&b, "%d %s %s %s|%s %s|%d.%d %d|%s|%s|%s|%s\n", e.Line, e.Format, e.At.Format("01-02 15:04:05.999999"), e.Client, e.Method, e.Target, e.Status, e.Substatus, e.Win32,
			e.Phrase, e.Code, e.Message, time.Duration(e.Took))
	}
	return b.String()
}

func TestRead(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, log, want string }{
		{"httperr", httperrFields + "2026-11-22 11:55:51 192.0.2.10 47476 192.0.2.20 443 HTTP/1.1 GET /app?token=abcdef - - 1 Timer_SslRenegotiation DefaultAppPool\r\n" +
			"2026-11-22 11:56:00 fe80::1%4 50000 fe80::2%4 443 - - - - - - Timer_ConnectionIdle -\r\n",
			"5 httperr 11-22 11:55:51 192.0.2.10:47476|GET /app?token=[masked 6 bytes]|0.0 0|Timer_SslRenegotiation|Timer_SslRenegotiation|queue DefaultAppPool|0s\n" +
				"6 httperr 11-22 11:56:00 [fe80::1%4]:50000| |0.0 0|Timer_ConnectionIdle|Timer_ConnectionIdle||0s\n"},
		{"httperr as findstr prints it", `C:\Windows\System32\LogFiles\HTTPERR\httperr1.log:2026-11-22 11:55:51 192.0.2.10 47476 192.0.2.20 443 HTTP/1.1 GET /app - 1 Timer_SslRenegotiation DefaultAppPool` + "\n",
			"1 httperr 11-22 11:55:51 192.0.2.10:47476|GET /app|0.0 0|Timer_SslRenegotiation|Timer_SslRenegotiation|queue DefaultAppPool|0s\n"},
		{"w3c", w3cFields + "2026-11-22 11:55:51 192.0.2.20 GET /app/login.aspx id=7 443 - 192.0.2.10 curl/8+x - 403 7 64 15234\r\n",
			"3 w3c 11-22 11:55:51 192.0.2.10|GET /app/login.aspx?id=7|403.7 64||403.7||15.234s\n"},
		{"w3c without dates", "#Fields: time c-ip sc-status\n#Date: 2026-11-22 00:00:00\n11:55:51 192.0.2.10 200\n", "3 w3c 11-22 11:55:51 192.0.2.10| |200.0 0||200||0s\n"},
		{"apache error", "[Sun Nov 22 12:36:50.123456 2026] [ssl:info] [pid 7:tid 8] [client 192.0.2.10:49220] AH02226: Awaiting re-negotiation handshake\n" +
			"[Sun Nov 22 12:36:51 2026] [error] [client 2001:db8::1] File does not exist: /var/www/x, referer: https://a/?password=hunter2\n" +
			"[Sun Nov 22 12:36:52.1 2026] [proxy:error] [pid 7] (111)Connection refused: AH00957: https: attempt to connect to 10.0.0.1:443 (10.0.0.1) failed\n",
			"1 apache_error 11-22 11:36:50.123456 192.0.2.10:49220| |0.0 0|AH02226|AH02226|AH02226: Awaiting re-negotiation handshake|0s\n" +
				"2 apache_error 11-22 11:36:51 2001:db8::1| |0.0 0||File does not exist|File does not exist: /var/www/x, referer: https://a/?password=[masked 7 bytes]|0s\n" +
				"3 apache_error 11-22 11:36:52.1 | |0.0 0|AH00957|AH00957|(111)Connection refused: AH00957: https: attempt to connect to 10.0.0.1:443 (10.0.0.1) failed|0s\n"},
		{"nginx error", `2026/11/22 12:36:50 [info] 12#13: *4 client sent no required SSL certificate while reading client request headers, client: 192.0.2.10, server: shop.test, request: "GET /a?x=1 HTTP/1.1", host: "shop.test"` + "\n",
			"1 nginx_error 11-22 11:36:50 192.0.2.10|GET /a?x=1|0.0 0||client sent no required SSL certificate|client sent no required SSL certificate while reading client request headers|0s\n"},
		{"access", `192.0.2.10 - - [22/Nov/2026:12:36:50 +0100] "GET /a%20b?x=1 HTTP/1.1" 403 - "-" "curl \"x\""` + "\n", "1 apache_access 11-22 11:36:50 192.0.2.10|GET /a%20b?x=1|403.0 0||403||0s\n"},
		{"access with port", `192.0.2.10:49220 - jane [22/Nov/2026:12:36:50 +0100] "GET / HTTP/1.1" 200 46 us=20004123` + "\n", "1 access 11-22 11:36:50 192.0.2.10:49220|GET /|200.0 0||200||20.004123s\n"},
		{"access with words", `shop.test:443 192.0.2.10 - - [22/Nov/2026:12:36:50 +0100] "GET / HTTP/2.0" 499 0 "-" "x" port=49220 rt=60.001` + "\n", "1 nginx_access 11-22 11:36:50 192.0.2.10:49220|GET /|499.0 0||499||1m0.001s\n"},
		{"freb", "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<failedRequest url=\"https://shop.test:443/app?token=abcdef\" verb=\"GET\" statusCode=\"403.7\" failureReason=\"STATUS_CODE\" timeTaken=\"109\">\n" +
			"<Event><System><TimeCreated SystemTime=\"2026-11-22T11:36:50.500Z\"/></System><EventData><Data Name=\"RemoteAddress\">192.0.2.10</Data><Data Name=\"RemotePort\">49220</Data></EventData></Event>\n" +
			"<Event><EventData><Data Name=\"ModuleName\">IIS Web Core</Data></EventData></Event></failedRequest>",
			"1 freb 11-22 11:36:50.5 192.0.2.10:49220|GET /app?token=[masked 6 bytes]|403.7 0|STATUS_CODE|403.7|set by IIS Web Core|109ms\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, report, err := Read(strings.NewReader(c.log), "x.log", Config{Location: berlin})
			if err != nil || report.Damaged > 0 {
				t.Errorf("%v, %d damaged: %q", err, report.Damaged, report.Faults)
			}
			if diff := cmp.Diff(c.want, lines(entries)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name, log, err string
		kept, damaged  int64
	}{
		{"nothing", "", "", 0, 0},
		{"prose", "Dear admin,\nall is well.\n", "no known format", 0, 2},
		{"UTF-16", "\xFF\xFE2\x000\x00", "UTF-16", 0, 0},
		{"packed", "\x1F\x8B\x08\x00", "gzip", 0, 0},
		{"too long", httperrFields + "2026-11-22 11:55:51 192.0.2.10 47476 192.0.2.20 443 HTTP/1.1 GET /" + strings.Repeat("a", 70000) + " - - 1 Verb -\n" +
			"2026-11-22 11:55:52 192.0.2.10 47476 192.0.2.20 443 HTTP/1.1 GET / - - 1 Verb -", "", 1, 1},
		{"no time", w3cFields + "2026-11-22 25:55:51 192.0.2.20 GET / - 443 - 192.0.2.10 - - 200 0 0 1\n2026-11-22 15:55:51 192.0.2.20 GET / - 443 - 192.0.2.10 - - 200 0 0 1\n", "", 1, 1},
		{"too few fields", w3cFields + "2026-11-22 15:55:51 192.0.2.20 GET\n", "no known format", 0, 1},
		{"cut XML", "<failedRequest url=\"https://a/\" verb=\"GET\" statusCode=\"500\"><Event><System><TimeCreated SystemTime=\"2026-11-22T11:36:50Z\"/>", "", 1, 1},
		{"other XML", "<html></html>", "no known format", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			entries, report, err := Read(strings.NewReader(c.log), "x.log", Config{})
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if report.Kept != c.kept || report.Damaged != c.damaged || err == nil && int64(len(entries)) != c.kept {
				t.Errorf("kept %d, damaged %d (%q), want %d and %d", report.Kept, report.Damaged, report.Faults, c.kept, c.damaged)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	line := "2026-11-22 11:55:51 192.0.2.10 47476 192.0.2.20 443 HTTP/1.1 GET / - - 1 Verb -\n"
	entries, report, err := Read(strings.NewReader(httperrFields+strings.Repeat(line, 10)), "x.log", Config{Most: 3, Keep: func(e *Entry) bool { return e.Line != 5 }})
	if err != nil || len(entries) != 3 || report.Omitted != 6 || report.Lines != 10 {
		t.Errorf("%d entries, %+v, %v", len(entries), report, err)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		httperrFields + "2026-11-22 11:55:51 192.0.2.10 47476 192.0.2.20 443 HTTP/1.1 GET /app - - 1 Timer_SslRenegotiation DefaultAppPool\r\n",
		w3cFields + "2026-11-22 11:55:51 192.0.2.20 GET /app id=7 443 - 192.0.2.10 curl - 403 7 64 15234\n",
		"[Sun Nov 22 12:36:50.123456 2026] [ssl:info] [pid 7:tid 8] [client [::1]:49220] AH02226: Awaiting\n[x", "[Sun Nov 22 12:36:50 2026] [client 2001:db8::1:80] AH",
		"2026/11/22 12:36:50 [info] 12#13: *4 x, client: 192.0.2.10, request: \"GET /a HTTP/1.1\"\n",
		"192.0.2.10 - - [22/Nov/2026:12:36:50 +0100] \"GET / HTTP/1.1\" 403 - \"-\" \"a\\\" port=1 us=2 rt=3\n",
		"<failedRequest statusCode=\"403.7\"><TimeCreated SystemTime=\"2026-11-22T11:36:50Z\"/><Data Name=\"RemotePort\">1</Data></failedRequest>",
		"x.log:12:2026-11-22 11:55:51 192.0.2.10 47476 192.0.2.20 443 HTTP/1.1 GET /app - 1 Verb -",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, log string) {
		entries, report, _ := Read(strings.NewReader(log), "x", Config{Most: 100})
		if int64(len(entries)) > report.Kept || report.Kept > report.Lines {
			t.Errorf("%d entries, report %+v", len(entries), report)
		}
		for i := range entries {
			if e := &entries[i]; e.At.IsZero() || e.Format == "" || len(e.Target) > maxMessage+8 || len(e.Message) > maxMessage+8 {
				t.Errorf("entry %+v", e)
			}
		}
	})
}
