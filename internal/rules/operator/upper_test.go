package operator

import (
	"strings"
	"testing"

	libinjection "github.com/corazawaf/libinjection-go"

	"github.com/lunette-waf/lunette/test/race"
)

// TestUpper: what libinjection makes of a value in upper case is what it makes of the value. Rows of up to three pieces, in three spellings.
func TestUpper(t *testing.T) {
	all := append(pieces(), "\\n", "$foo$", "$FOO$", "q'aUa'", "nq'b b'", "Q'(1)'", "e'1'", "u&'a'", "sp_password", "--", "1e5", "0xf", "x'4f'", "user_id", "current_user", "or", "into", "ſelect")
	check := func(value string) {
		found, print := libinjection.IsSQLi(value)
		if f, p := readSQLi(value); f != found || p != print {
			t.Fatalf("%q: %v %s, want %v %s", value, f, p, found, print)
		}
	}
	for _, a := range all {
		check(a)
		for _, b := range all {
			check(a + b)
			check(strings.ToUpper(a) + " " + b)
			for _, c := range all {
				check(a + b + c)
				check(a + " " + strings.ToUpper(b) + " " + c)
				check("1' or " + a + " " + b + c)
			}
		}
	}
}

// TestUpperAllocations: words in lower case cost no memory.
func TestUpperAllocations(t *testing.T) {
	if race.On {
		t.Skip("the race detector empties pools")
	}
	value := "please ring the bell twice (and wait) at the door"
	if _, print := libinjection.IsSQLi(value); print != "" {
		t.Fatal("this ought to be no attack")
	}
	if n, raw := testing.AllocsPerRun(100, func() { readSQLi(value) }), testing.AllocsPerRun(100, func() { libinjection.IsSQLi(value) }); n > raw/2 {
		t.Errorf("%v allocations, %v as it is", n, raw)
	}
}
