package soup_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/test/soup"
)

// TestSameNumbersSameText: a measurement is repeated by its seed, so what a seed gives must not change by accident.
func TestSameNumbersSameText(t *testing.T) {
	words := []string{"union", "select", "../", "onerror="}
	r := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // words, not secrets
	got := []string{soup.Of(r, words, 40), soup.Mixed(r, words, 20, func(b *strings.Builder) { b.WriteByte('|') })}
	if want := []string{"unionunion.7../onerror=select-|select().", "onerror=|union|selec"}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestWords: expressions, @pm and files of words are all read.
func TestWords(t *testing.T) {
	words, err := soup.Words()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != len(words) {
		t.Error("not sorted, or a word twice")
	}
	for from, want := range map[string]string{"@rx": "processbuilder", "@pm": "document.cookie", "a file of words": ".addressbook"} {
		if !slices.Contains(words, want) {
			t.Errorf("no %q, of %s, among %d words", want, from, len(words))
		}
	}
	if _, err := soup.Data("not-there.data"); err == nil {
		t.Error("a file that is not there can be read")
	}
}

func TestRequests(t *testing.T) {
	q := soup.Get("/a?b=1", "X-A", "1").Request
	if q.Method != "GET" || q.Target != "/a?b=1" || q.Path != "/a" || q.Query != "b=1" || !q.HasQuery || q.Header.Get("X-A") != "1" || q.Length != 0 {
		t.Errorf("got %+v", q)
	}
	q = soup.Post("/a", "text/plain", 7, "X-A", "1").Request
	want := []string{"Host", "User-Agent", "Accept", "X-A", "Content-Type", "Content-Length"}
	if got := names(q.Header); q.Method != "POST" || q.Length != 7 || q.HasQuery || q.Header.Get("Content-Length") != "7" || !slices.Equal(got, want) {
		t.Errorf("got %+v, fields %q", q, got)
	}
}

func names(h exchange.Header) (out []string) {
	for _, f := range h {
		out = append(out, f.Name)
	}
	return out
}
