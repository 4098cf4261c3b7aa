package match

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDictionaryLeast compares with what is tried pair by pair.
func TestDictionaryLeast(t *testing.T) {
	for _, words := range [][]string{
		nil, {""}, {"", "a"}, {"a"}, {"a", "ab", "ba"}, {"select", "sel", "elect", "x"}, {"ab", "b\xff", "ab\xff"},
		{"12345678", "x12345678", "123456789", "1234567", "y1234567z"}, {"aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaab", "baaaaaaaaa"},
	} {
		d := newDictionary(words)
		if diff := cmp.Diff(least(d.words), d.least()); diff != "" {
			t.Errorf("%q (-pair by pair +got):\n%s", words, diff)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		words := make([]string, r.IntN(200))
		for i := range words {
			words[i] = strings.Map(func(rune) rune { return 'a' + rune(r.IntN(3)) }, strings.Repeat("x", 1+r.IntN(14)))
		}
		d := newDictionary(words)
		if diff := cmp.Diff(least(d.words), d.least()); diff != "" {
			t.Fatalf("%q (-pair by pair +got):\n%s", words, diff)
		}
	}
}

// TestDictionaryLong keeps words that are too long to be looked into, but they still stand for those that begin like them.
func TestDictionaryLong(t *testing.T) {
	long := strings.Repeat("a", 100_000)
	d := newDictionary([]string{long, long + "b", "x" + long})
	if got := d.least(); !slices.Equal(got, []string{long, "x" + long}) {
		t.Errorf("%d words", len(got))
	}
}

// TestManyWords builds a set of a list of 10 MB. The time leaves room for a busy machine; pair by pair it would take half an hour.
func TestManyWords(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	r := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 600_000)
	for i := range words {
		words[i] = fmt.Sprintf("%016x", r.Uint64())
	}
	start := time.Now()
	s, errs := New([]Pattern{{Kind: Words, Words: words}}, Limits{})
	if errs != nil {
		t.Fatal(errs)
	}
	t.Logf("%v, %d MB", time.Since(start), s.Memory()>>20)
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	var x Scratch
	want, hits := Bits{1}, Bits{0}
	if s.Scan(&x, "a "+strings.ToUpper(words[77])+".", want, hits); hits[0] != 1 {
		t.Error("a word is not found")
	}
	if s.Scan(&x, "a "+words[77][1:], want, hits); hits[0] != 0 {
		t.Error("a word that is not there is found")
	}
}
