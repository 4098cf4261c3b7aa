package operator

import (
	"fmt"
	"strings"
	"testing"

	"github.com/corazawaf/coraza/v3"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// subject is an operator with its argument.
type subject struct {
	id       seclang.OperatorID
	argument string
}

func subjects() []subject {
	var out []subject
	for _, argument := range []string{"0", "5", "-3", "+7", "12x", "x", "9223372036854775808", "-9223372036854775809", "007", "5_0", "1e2"} {
		for _, id := range []seclang.OperatorID{seclang.OpEq, seclang.OpGe, seclang.OpGt, seclang.OpLe, seclang.OpLt} {
			out = append(out, subject{id, argument})
		}
	}
	for _, argument := range []string{"abc", "GET,POST,HEAD", "a", "5", "|a|b|", "/x/"} {
		for _, id := range []seclang.OperatorID{
			seclang.OpStreq, seclang.OpContains, seclang.OpStrmatch, seclang.OpBeginsWith, seclang.OpEndsWith, seclang.OpWithin,
		} {
			out = append(out, subject{id, argument})
		}
	}
	for _, argument := range []string{
		"10.0.0.1", "10.0.0.0/8,192.0.2.7", "2001:db8::/32", "2001:db8::1, 127.0.0.1", "::/0", "0.0.0.0/0", "::ffff:10.0.0.0/104", "10.1.2.3/8",
	} {
		out = append(out, subject{seclang.OpIpMatch, argument})
	}
	for _, argument := range []string{"32-126", "0-255", "1-255", "9,10,13,32-126,128-255", "38,44-46,48-58,61,65-90,95,97-122"} {
		out = append(out, subject{seclang.OpValidateByteRange, argument})
	}
	return append(out,
		subject{seclang.OpValidateUrlEncoding, ""}, subject{seclang.OpValidateUtf8Encoding, ""}, subject{seclang.OpDetectSQLi, ""},
		subject{seclang.OpDetectXSS, ""}, subject{seclang.OpNoMatch, ""}, subject{seclang.OpUnconditionalMatch, ""},
		subject{seclang.OpValidateNid, `cl \b(\d{1,3}(?:\.\d{3}){2}-[\dkK])\b`}, subject{seclang.OpValidateNid, `cl [\d.kK-]{8,}`},
		subject{seclang.OpValidateNid, `us \d{3}-?\d{2}-?\d{4}`}, subject{seclang.OpRestpath, "/users/{id}/{name}"}, subject{seclang.OpRestpath, "/a.c/{x}"})
}

func values() []string {
	return []string{
		"", "0", "5", "-3", "7", "+5", "007", "12x", " 5", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-99999999999999999999",
		"5_0", "1e2", "--5", "+", "-", "abc", "xabcx", "ABC", "GET", "GET,POST", "/x/", "|a|", "a", "10.0.0.1", "10.200.0.1", "192.0.2.7", "11.0.0.0",
		"::1", "2001:db8::1", "2001:DB8:ffff::", "::ffff:10.9.9.9", "::ffff:0a00:1", "fe80::1%eth0", "127.0.0.1", "010.0.0.1", "1.2.3", "10.0.0.1:80", "10.0.0.1 ",
		"%", "%4", "%41", "%4g", "a%41%", "%u0041", "100%25", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "é", "\x00", "tab\t", "\x7f", "a\nb",
		"11.111.111-1", "1.009-7", "12345678-5", "12.345.678-5", "7.654.321-6", "20.000.003-k", "20.000.003-K", "kkkkkkkkk", "1111111-k1",
		"574-57-8065", "123-45-6789", "111111111", "666-12-3456", "740-12-3456", "000-12-3456", "574-00-1234", "574-57-0000", "x 574578065 y",
		"/users/7/ann", "/users/7", "/v1/users/7/ann/more?x=1", "/users//x", "/abc/q", "/a.c/q?z", "/a.c/?z",
		"1' or '1'='1", "1 union select 2", "<script>alert(1)</script>", "<a href=javascript:x>", "onclick=x", "x onerror=1", "an ordinary sentence, that ends.",
		"-1 or 1=1 --", "1;drop table x", "\"><img src=x onerror=alert(1)>", "https://example.org/a?b=c&d=e#f", "ann@example.org", "2024-05-06T07:08:09Z",
	}
}

// oracle runs one operator in Coraza over ARGS:x.
func oracle(t testing.TB, s subject) func(value string) bool {
	t.Helper()
	rule := fmt.Sprintf(`SecRule ARGS:x "@%v %s" "id:1,phase:1,pass,log"`, s.id, s.argument)
	waf, err := coraza.NewWAF(coraza.NewWAFConfig().WithDirectives("SecRuleEngine On\n" + rule))
	if err != nil {
		t.Fatalf("%s: %v", rule, err)
	}
	return func(value string) bool {
		tx := waf.NewTransaction()
		defer func() { _ = tx.Close() }()
		tx.AddGetRequestArgument("x", value)
		tx.ProcessRequestHeaders()
		return len(tx.MatchedRules()) > 0
	}
}

func TestAgainstCoraza(t *testing.T) {
	for _, s := range subjects() {
		op, err := New(nil, "", s.id, strings.TrimSpace(s.argument))
		if err != nil {
			t.Errorf("%v %q: %v", s.id, s.argument, err)
			continue
		}
		want := oracle(t, s)
		for _, value := range values() {
			if got, want := op.Match(value, nil), want(value); got != want {
				t.Errorf("%v %q on %q: %v, Coraza %v", s.id, s.argument, value, got, want)
			}
			if takesMacro(s.id) || s.id == seclang.OpIpMatch {
				if got := Compare(s.id, value, s.argument); got != op.Match(value, nil) {
					t.Errorf("Compare %v %q on %q: %v, unlike Match", s.id, s.argument, value, got)
				}
			}
		}
	}
}

// TestDifferences pins where Coraza is not followed; docs/rules-differences.md says why.
func TestDifferences(t *testing.T) {
	t.Run("a number without digits", func(t *testing.T) {
		s := subject{seclang.OpValidateNid, "cl [\\d.]{8,}"}
		op, err := New(nil, "", s.id, s.argument)
		if err != nil {
			t.Fatal(err)
		}
		if op.Match("........", nil) {
			t.Error("dots are a number")
		}
		defer func() {
			if recover() == nil {
				t.Error("Coraza does not panic any more: take the line out of the list")
			}
		}()
		oracle(t, s)("........")
	})
	t.Run("addresses that are none", func(t *testing.T) {
		if oracle(t, subject{seclang.OpIpMatch, "localhost,10.0.0.0/33"})("10.0.0.1") {
			t.Error("Coraza matches a broken network")
		}
		if _, err := New(nil, "", seclang.OpIpMatch, "localhost,10.0.0.0/33"); err == nil {
			t.Error("a broken network is taken")
		}
	})
	t.Run("a range from its end", func(t *testing.T) {
		if !oracle(t, subject{seclang.OpValidateByteRange, "126-32"})("a") {
			t.Error("Coraza takes 126-32 for 32-126")
		}
		if _, err := New(nil, "", seclang.OpValidateByteRange, "126-32"); err == nil {
			t.Error("126-32 is taken")
		}
	})
	t.Run("words", func(t *testing.T) {
		if oracle(t, subject{seclang.OpPm, "É one"})("É") {
			t.Error("Coraza finds É now: take the line out of the list")
		}
		if oracle(t, subject{seclang.OpPm, "one\ttwo"})("one") {
			t.Error("Coraza takes a tab for the end of a word now: take the line out of the list")
		}
		if got := Words("É one"); got[0] != "É" {
			t.Errorf("words %q", got)
		}
	})
	t.Run("empty words", func(t *testing.T) {
		if !oracle(t, subject{seclang.OpPm, "one  two"})("x") {
			t.Error("Coraza does not find the empty word everywhere any more: take the line out of the list")
		}
		if got := len(Words("one  two")); got != 2 {
			t.Errorf("%d words, want 2", got)
		}
	})
	t.Run("geoLookup", func(t *testing.T) {
		if !oracle(t, subject{seclang.OpGeoLookup, ""})("192.0.2.1") {
			t.Error("Coraza does not match without a database any more: take the line out of the list")
		}
	})
}
