package filter

import (
	"fmt"
	"slices"
	"strings"
)

// qualifier is what stands before an id and holds for those that follow it.
type qualifier struct {
	proto string // "", "ip", "tcp", "ether" …
	dir   direction
	kind  string // "", "host", "net", "port", "portrange", "proto"
	known bool   // there is one: an id may follow
}

type parser struct {
	tokens []token
	at     int
	frame  frame
	depth  int
	tests  int
	vlans  int  // met so far
	taken  bool // the kernel took the outer tag off
}

// parse reads an expression. live: the kernel may have taken a VLAN tag off, so where the expression asks for one both cases are told apart.
func parse(tokens []token, f frame, live bool) (*tree, error) {
	p := &parser{tokens: tokens, frame: f}
	out, err := p.whole()
	if err != nil || !live || p.vlans == 0 {
		return out, err
	}
	p = &parser{tokens: tokens, frame: f, taken: true}
	stripped, err := p.whole()
	if err != nil {
		return nil, err
	}
	has := compare(kernelHas, char, equal, 1)
	return or(and(has, stripped), and(not(has), out)), nil
}

func (p *parser) whole() (*tree, error) {
	if p.peek() == "" {
		return constant(true), nil
	}
	q := qualifier{}
	out, err := p.chain(&q)
	if err == nil && p.peek() != "" {
		return nil, p.unexpected("and, or, or the end")
	}
	return out, err
}

func (p *parser) peek() string { return p.tokens[p.at].text }

// accept takes the next token when it is one of these.
func (p *parser) accept(words ...string) bool {
	if p.peek() != "" && slices.Contains(words, p.peek()) {
		p.at++
		return true
	}
	return false
}

// fail is an error at the next token.
func (p *parser) fail(format string, args ...any) error {
	return &Error{p.tokens[p.at].column, fmt.Sprintf(format, args...)}
}

func (p *parser) unexpected(want string) error {
	if p.peek() == "" {
		return p.fail("the expression ends, but %s should follow", want)
	}
	return p.fail("%q, but %s should follow", p.peek(), want)
}

// chain reads terms joined by and and or, which bind equally, from left to right. q is the qualifier before it, and then that of its last term.
func (p *parser) chain(q *qualifier) (*tree, error) {
	out, err := p.term(q)
	for err == nil {
		join := and
		switch {
		case p.accept("and", "&&"):
		case p.accept("or", "||"):
			join = or
		default:
			return out, nil
		}
		var next *tree
		if next, err = p.term(q); err == nil {
			out = join(out, next)
		}
	}
	return nil, err
}

// term reads nots, and what they are about.
func (p *parser) term(q *qualifier) (*tree, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("more than %d parentheses and nots within one another", maxDepth)
	}
	defer func() { p.depth-- }()
	if p.tests++; p.tests > maxTests {
		return nil, p.fail("the expression asks too much: more than %d questions", maxTests)
	}
	switch {
	case p.accept("not", "!"):
		out, err := p.term(q)
		if err != nil {
			return nil, err
		}
		return not(out), nil
	case p.accept("("):
		before := *q
		out, err := p.chain(q)
		if err != nil {
			return nil, err
		}
		if !p.accept(")") {
			return nil, p.unexpected("a closing parenthesis")
		}
		*q = before
		return out, nil
	}
	return p.primitive(q)
}

// primitive reads qualifiers with an id, a name of a protocol, or an id alone, which takes the qualifier before it.
func (p *parser) primitive(q *qualifier) (*tree, error) {
	start := p.at
	word := p.peek()
	if out, done, err := p.special(q); done || err != nil {
		return out, err
	}
	found := qualifier{known: true}
	if _, ok := protocols()[word]; ok || networks()[word] != 0 || word == "ether" || word == "link" {
		found.proto = word
		if word == "link" {
			found.proto = "ether"
		}
		p.at++
	}
	directed, err := p.direction(&found)
	if err != nil {
		return nil, err
	}
	if p.accept("host", "net", "port", "portrange", "proto") {
		found.kind = p.tokens[p.at-1].text
	} else if found.proto != "" && !directed {
		*q = qualifier{}
		return p.protocol(found.proto, start)
	}
	if p.at > start {
		*q = found
		return p.ids(q)
	}
	if !isID(word) {
		return nil, p.noTerm()
	}
	if !q.known {
		return nil, p.fail("%q: nothing says what it is; write host %[1]s, net %[1]s or port %[1]s", word)
	}
	return p.id(q)
}

// direction reads src, dst, and the two joined.
func (p *parser) direction(q *qualifier) (bool, error) {
	if !p.accept("src", "dst") {
		return false, nil
	}
	first := p.tokens[p.at-1].text
	other := map[string]string{"src": "dst", "dst": "src"}[first]
	q.dir = map[string]direction{"src": source, "dst": destination}[first]
	join := p.peek()
	if p.at+1 < len(p.tokens) && p.tokens[p.at+1].text == other {
		switch join {
		case "or", "||":
			q.dir, p.at = either, p.at+2
		case "and", "&&":
			q.dir, p.at = both, p.at+2
		}
		// src or dst port 53 is one; src host a or dst host b are two, and have the word host before the join.
	}
	return true, nil
}

// ids reads what follows qualifiers: an id, or several in parentheses.
func (p *parser) ids(q *qualifier) (*tree, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fail("more than %d parentheses and nots within one another", maxDepth)
	}
	defer func() { p.depth-- }()
	switch {
	case p.accept("not", "!"):
		out, err := p.ids(q)
		if err != nil {
			return nil, err
		}
		return not(out), nil
	case p.accept("("):
		out, err := p.ids(q)
		for err == nil && !p.accept(")") {
			join := and
			if p.accept("or", "||") {
				join = or
			} else if !p.accept("and", "&&") {
				return nil, p.unexpected("and, or, or a closing parenthesis")
			}
			var next *tree
			if next, err = p.ids(q); err == nil {
				out = join(out, next)
			}
		}
		return out, err
	}
	return p.id(q)
}

// noTerm is the error for a word that begins nothing.
func (p *parser) noTerm() error {
	switch word := p.peek(); word {
	case "gateway", "protochain", "mpls", "pppoed", "pppoes", "geneve", "inbound", "outbound", "type", "subtype", "ifname", "on", "wlan", "fddi", "tr", "llc":
		return p.fail("%s is not supported; use host, net, port, portrange, proto, ether host, vlan, less, greater", word)
	case "", "/", ")", "and", "or", "&&", "||":
		return p.unexpected("host, net, port, portrange, proto or the name of a protocol")
	default:
		return p.fail("%q is no word of a filter; for a name write host and its address", strings.TrimPrefix(word, "\\"))
	}
}
