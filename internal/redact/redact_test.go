package redact

import (
	"strings"
	"testing"
)

func masker(t testing.TB, cfg Config) *Masker {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"

func TestSensitive(t *testing.T) {
	m := masker(t, Config{Names: []string{"Kundennummer"}})
	yes := "password Password PASSWORD user[password] passwd pwd pass new_password passwordConfirm access_token token csrf-token " +
		"code secret client_secret key api_key apiKey X-Api-Key apikey session sessionid PHPSESSID JSESSIONID ASP.NET_SessionId sid " +
		"Authorization Proxy-Authorization Cookie Set-Cookie X-Auth-Token Client-Cert Client-Cert-Chain X-ARR-ClientCert " +
		"MS-ASPNETCORE-CLIENTCERT X-Forwarded-Client-Cert X-SSL-Cert p%61ssword user%5Bpass%5D json.user.password userPIN otp " +
		"SAMLResponse signature kundennummer KUNDENNUMMER " + strings.Repeat("a", 200) + "password"
	for name := range strings.FieldsSeq(yes) {
		if !m.Sensitive(name) {
			t.Errorf("%s is not sensitive", name)
		}
	}
	no := "q page id user name Host User-Agent Accept Content-Type zipcode monkey keyboard barcode passenger compass Sec-WebSocket-Key " +
		"sort author inside % %4 100%"
	for name := range strings.FieldsSeq(no) {
		if m.Sensitive(name) {
			t.Errorf("%s is sensitive", name)
		}
	}
	if m.Sensitive("") {
		t.Error("the empty name is sensitive")
	}
}

func TestHeader(t *testing.T) {
	m := masker(t, Config{})
	rows := [][3]string{
		{"Cookie", "a=1; session=abcd;b=;odd", "a=[masked 1 bytes]; session=[masked 4 bytes];b=;[masked 3 bytes]"},
		{"cookie", "", ""},
		{"Set-Cookie", "id=abc; Path=/; HttpOnly", "id=[masked 3 bytes]; Path=/; HttpOnly"},
		{"Authorization", "Bearer abc", "Bearer [masked 3 bytes]"},
		{"authorization", "NTLM TlRMTVNT", "NTLM [masked 8 bytes]"},
		{"Authorization", "Negotiate", "Negotiate"},
		{"Authorization", "hunter2 x", "[masked 9 bytes]"},
		{"Proxy-Authorization", "Basic dTpw", "Basic [masked 4 bytes]"},
		{"X-Api-Key", "k", "[masked 1 bytes]"},
		{"Client-Cert", ":MIIB:", "[masked 6 bytes]"},
		{"Referer", "https://u:p@h.test/a?token=x&q=1", "https://[masked 3 bytes]@h.test/a?token=[masked 1 bytes]&q=1"},
		{"Location", "/cb?code=abc", "/cb?code=[masked 3 bytes]"},
		{"User-Agent", "curl/8.1", "curl/8.1"},
		{"X-Debug", "t " + jwt, "t [masked 41 bytes]"},
	}
	for _, r := range rows {
		got := m.Header(r[0], r[1])
		if got != r[2] {
			t.Errorf("%s: %s\n got %s\nwant %s", r[0], r[1], got, r[2])
		}
		if again := m.Header(r[0], got); again != got {
			t.Errorf("%s: masked twice: %s", r[0], again)
		}
	}
}

func TestQueryAndTarget(t *testing.T) {
	m := masker(t, Config{})
	rows := [][2]string{
		{"", ""},
		{"/", "/"},
		{"/a?", "/a?"},
		{"/a?b", "/a?b"},
		{"/?q=shoes&page=2", "/?q=shoes&page=2"},
		{"/?password=hunter2&x=1", "/?password=[masked 7 bytes]&x=1"},
		{"/?p%61ss=a%20b&token=", "/?p%61ss=[masked 5 bytes]&token="},
		{"/?a=1;password=x", "/?a=1;password=[masked 1 bytes]"},
		{"/?x=" + jwt, "/?x=[masked 41 bytes]"},
		{"/?card=1&n=4111111111111111", "/?card=[masked 1 bytes]&n=[masked 16 bytes]"},
		{"/reset/" + jwt + "/go", "/reset/[masked 41 bytes]/go"},
		{"/?q=%zz&&=&=x", "/?q=%zz&&=&=x"},
		{"http://u@h/?key=1", "http://[masked 1 bytes]@h/?key=[masked 1 bytes]"},
		{"http://h", "http://h"},
	}
	for _, r := range rows {
		if got := m.Target(r[0]); got != r[1] {
			t.Errorf("%s\n got %s\nwant %s", r[0], got, r[1])
		}
	}
}

func TestText(t *testing.T) {
	m := masker(t, Config{})
	rows := [][2]string{
		{"nothing here", "nothing here"},
		{`{"password":"a b","q":"x"}`, `{"password":"[masked 3 bytes]","q":"x"}`},
		{`{"user":{"apiKey" : 123}}`, `{"user":{"apiKey" : [masked 3 bytes]}}`},
		{`password="unclosed x`, `password="[masked 10 bytes]`},
		{"Authorization: Basic dTpw\r\nHost: x", "Authorization: [masked 10 bytes]\r\nHost: x"},
		{"sent Bearer abcdefgh12345 to x", "sent Bearer [masked 13 bytes] to x"},
		{"the bearer arrived late", "the bearer arrived late"},
		{"basic authentication failed", "basic authentication failed"},
		{"basic dXNlcjpwYXNz", "basic [masked 12 bytes]"},
		{"open certificate key: no such file", "open certificate key: no such file"},
		{"paid 4111 1111 1111 1111 now", "paid [masked 19 bytes] now"},
		{"order 4111111111111112", "order 4111111111111112"}, // fails the Luhn check
		{"at 1700000000000000", "at 1700000000000000"},
		{"AKIAIOSFODNN7EXAMPLE", "[masked 20 bytes]"},
		{"-----BEGIN PRIVATE KEY-----\nMIIE", "-----BEGIN[masked 22 bytes]"},
		{"token=[masked 3 bytes]", "token=[masked 3 bytes]"},
		{"dial 10.0.0.1:443: connection refused", "dial 10.0.0.1:443: connection refused"},
	}
	for _, r := range rows {
		got := m.Text(r[0])
		if got != r[1] {
			t.Errorf("%s\n got %s\nwant %s", r[0], got, r[1])
		}
		if again := m.Text(got); again != got {
			t.Errorf("%s: masked twice: %s", r[0], again)
		}
	}
}

func TestPart(t *testing.T) {
	m := masker(t, Config{MaxPart: 16})
	rows := [][3]string{
		{"ARGS:q", "' or 1=1", "' or 1=1"},
		{"ARGS:password", "' or 1=1", "[masked 8 bytes]"},
		{"ARGS_NAMES:password", "password", "password"},
		{"REQUEST_COOKIES:lang", "' or 1=1", "[masked 8 bytes]"},
		{"REQUEST_HEADERS:Authorization", "x", "[masked 1 bytes]"},
		{"QUERY_STRING", "pwd=x", "pwd=[masked 1 by… (+4 bytes)"},
		{"ARGS:q", "0123456789abcdefgh", "0123456789abcdef… (+2 bytes)"},
		{"ARGS:q", "0123456789abcde€", "0123456789abcde… (+3 bytes)"},
		{"ARGS:q", strings.Repeat("x", 1000), strings.Repeat("x", 16) + "… (+984 bytes)"},
		{"ARGS:q", strings.Repeat("x", 20) + "… (+984 bytes)", strings.Repeat("x", 16) + "… (+988 bytes)"},
		{"ARGS:q", strings.Repeat("x", 16) + "… (+988 bytes)", strings.Repeat("x", 16) + "… (+988 bytes)"},
		{"ARGS:q", "… (+-1 bytes)", "… (+-1 bytes)"},
		{"&ARGS:password", "0", "0"},
		{"&ARGS:password", "' or 1=1", "[masked 8 bytes]"},
	}
	for _, r := range rows {
		if got := m.Part(r[0], r[1]); got != r[2] {
			t.Errorf("%s: %s\n got %s\nwant %s", r[0], r[1], got, r[2])
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, cfg := range []Config{{MaxPart: 1}, {MaxPart: 5000}, {Names: []string{""}}, {Names: []string{strings.Repeat("x", 65)}}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	m := masker(t, Config{})
	buf := make([]byte, 0, 4096)
	n := testing.AllocsPerRun(100, func() {
		b := m.AppendTarget(buf, "/a/b?q=shoes&token=abc&page=2")
		b = m.AppendHeader(b, "Cookie", "a=1; b=2")
		m.AppendHeader(b, "User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101")
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzMasker(f *testing.F) {
	for _, s := range []string{"/?password=a&b=c", jwt, `{"token":"x"}`, "Cookie: a=b", "4111 1111 1111 1111", "token=[masked 3 bytes]", "\xff=%zz;pwd='"} {
		f.Add("q", s)
	}
	f.Fuzz(func(t *testing.T, name, s string) {
		m := masker(t, Config{})
		// A value under a sensitive name never shows, wherever it is written down.
		const secret = "hunter2hunter2"
		for _, got := range []string{
			m.Header("Authorization", secret+s), m.Header("X-Api-Key", s+secret), m.Query("password=" + secret + "&" + s),
			m.Part("ARGS:password", s+secret), m.Header("Cookie", "a="+secret+"; "+s),
		} {
			if strings.Contains(got, secret) && !strings.Contains(s, secret) {
				t.Fatalf("secret shows: %q", got)
			}
		}
		m.Text(s)
		m.Target(s)
		if p := m.Part(name, s); len(p) > 128+40 {
			t.Fatalf("part of %d bytes", len(p))
		}
	})
}

func BenchmarkTarget(b *testing.B) {
	m := masker(b, Config{})
	buf := make([]byte, 0, 4096)
	for b.Loop() {
		m.AppendTarget(buf, "/shop/articles/12345/details?q=shoes&page=2&sort=price&color=red&size=42")
	}
}
