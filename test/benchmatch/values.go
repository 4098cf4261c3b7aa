//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/match"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/test/soup"
)

// rule is a pattern of the Core Rule Set.
type rule struct {
	id      int
	pattern match.Pattern
	std     *regexp.Regexp // nil of words and of patterns of bytes
	tree    *syntax.Regexp
}

// crsRules reads the patterns of all rules up to a paranoia level.
func crsRules(level int) ([]rule, error) {
	list, err := soup.Directives()
	if err != nil {
		return nil, err
	}
	var out []rule
	id := 0
	for _, d := range list {
		if d.Rule == nil {
			continue
		}
		for _, a := range d.Rule.Actions {
			if a.ID == seclang.ActId {
				_, _ = fmt.Sscan(a.Value, &id)
			}
		}
		if !within(d.Rule, level) {
			continue
		}
		r := rule{id: id}
		switch o := d.Rule.Operator; o.ID {
		case seclang.OpRx:
			r.pattern = match.Pattern{Kind: match.Regexp, Expr: o.Argument}
			r.std, _ = regexp.Compile("(?sm)" + o.Argument)
			if r.tree, err = syntax.Parse("(?sm)"+o.Argument, syntax.Perl); err != nil {
				return nil, err
			}
		case seclang.OpPm:
			r.pattern = match.Pattern{Kind: match.Words, Words: strings.Fields(o.Argument)}
		case seclang.OpPmFromFile:
			words, err := soup.Data(o.Argument)
			if err != nil {
				return nil, err
			}
			r.pattern = match.Pattern{Kind: match.Words, Words: words}
		default:
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

// within reports whether a rule runs at a paranoia level: its tag says from which on.
func within(r *seclang.Rule, level int) bool {
	for _, a := range r.Actions {
		n := 0
		if a.ID == seclang.ActTag {
			if _, err := fmt.Sscanf(a.Value, "paranoia-level/%d", &n); err == nil && n > level {
				return false
			}
		}
	}
	return true
}

type value struct{ name, value string }

func benignValues() []value {
	const prose = "The quick brown fox jumps over the lazy dog while the customer, who ordered 3 items on Tuesday, waits for delivery at home. "
	return []value{
		{"number", "2026"}, {"name", "email"}, {"word", "Stockholm"}, {"name12", "customer_ref"}, {"address", "jane.doe@shop.example.se"},
		{"path", "/static/css/main.3f2a.css"}, {"text30", "Please deliver before noon, ok"}, {"uuid", "123e4567-e89b-12d3-a456-426614174000"},
		{"agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"},
		{"text10k", strings.Repeat(prose, 83)},
	}
}

// kind makes hostile values of n bytes.
type kind struct {
	name string
	make func(r *rand.Rand, n int) string
}

func kinds(rules []rule) []kind {
	var words []string
	var trees []*syntax.Regexp
	for _, r := range rules {
		words = append(words, r.pattern.Words...)
		if r.tree != nil {
			trees = append(trees, r.tree)
			words = soup.Literals(words, r.tree)
		}
	}
	signs := strings.Split(" ||(|'|\"|;|/|=|\n|,|)|<| or |--|$|{|${|`", "|")
	return []kind{
		{"soup", func(r *rand.Rand, n int) string {
			return soup.Mixed(r, words, n, func(b *strings.Builder) { b.WriteString(signs[r.IntN(len(signs))]) })
		}},
		{"attacks", func(r *rand.Rand, n int) string {
			var b strings.Builder
			for b.Len() < n {
				var one strings.Builder
				member(r, trees[r.IntN(len(trees))], &one)
				b.WriteString(one.String()[:min(one.Len(), 200)])
				b.WriteByte(" ;\n&"[r.IntN(4)])
			}
			return b.String()[:n]
		}},
	}
}

// broken makes n bytes of what nearly matches: parts of re, each without its end.
func broken(r *rand.Rand, re *syntax.Regexp, n int) string {
	var b strings.Builder
	var one strings.Builder
	member(r, re, &one)
	part := one.String()
	if words := soup.Literals(nil, re); len(words) > 0 && r.IntN(2) == 0 { // few of its words, over and over: as many beginnings as can be
		own := []string{words[r.IntN(len(words))], words[r.IntN(len(words))], words[r.IntN(len(words))]}
		signs := []string{" ", "=", "'", ".", ":", "\n", ""}
		sign := signs[r.IntN(len(signs))]
		for b.Len() < n {
			b.WriteString(own[r.IntN(1+r.IntN(3))] + sign)
		}
		return b.String()[:n]
	}
	for b.Len() < n {
		if r.IntN(3) == 0 {
			one.Reset()
			member(r, re, &one)
			part = one.String()
		}
		if len(part) == 0 {
			part = "a"
		}
		b.WriteString(part[:1+r.IntN(len(part))])
	}
	return b.String()[:n]
}

// member writes a string that re matches, most of the time.
func member(r *rand.Rand, re *syntax.Regexp, out *strings.Builder) {
	switch re.Op {
	case syntax.OpLiteral:
		out.WriteString(strings.ToLower(string(re.Rune)))
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			i := r.IntN(len(re.Rune)/2) * 2
			out.WriteRune(re.Rune[i] + r.Int32N(min(re.Rune[i+1]-re.Rune[i], 90)+1))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		out.WriteByte("ab '0="[r.IntN(6)])
	case syntax.OpCapture, syntax.OpConcat:
		for _, s := range re.Sub {
			member(r, s, out)
		}
	case syntax.OpAlternate:
		member(r, re.Sub[r.IntN(len(re.Sub))], out)
	case syntax.OpQuest:
		if r.IntN(2) == 0 {
			member(r, re.Sub[0], out)
		}
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		low := max(re.Min, 0)
		if re.Op == syntax.OpPlus {
			low = 1
		}
		high := low + 3
		if re.Op == syntax.OpRepeat && re.Max >= 0 {
			high = min(high, re.Max)
		}
		for range low + r.IntN(high-low+1) {
			member(r, re.Sub[0], out)
		}
	}
}
