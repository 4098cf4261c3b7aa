package config

import (
	"errors"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// place is where something stands in the file: line and column from 1, width in characters.
type place struct{ line, column, width int }

// node is a value of the file. Aliases are resolved: they share the node of their anchor.
type node struct {
	form  form
	text  string // of a scalar, unquoted
	place place
	pairs []pair  // of a mapping
	items []*node // of a list
}

type pair struct {
	key, value *node
	merged     bool // came by <<
}

type form uint8

const (
	empty form = iota // nothing, null or ~
	words             // text, quoted or not
	number
	boolean
	mapping
	sequence
	broken // could not be read, and that is reported
)

// Bounds on what a file may hold.
const (
	maxFile   = 4 << 20 // bytes
	maxDepth  = 64      // levels of lists and mappings
	maxTokens = 300_000
	maxKeys   = 256     // of one mapping
	maxNodes  = 200_000 // values, with every alias counted as what it stands for
)

// tree builds nodes from the YAML library's syntax tree.
type tree struct {
	anchors map[string]*node
	report  func(at place, p *problem)
}

// parseTree reads text; nil when the faults that it reports leave nothing to look at.
func parseTree(text string, report func(place, *problem)) *node {
	tokens := lexer.Tokenize(text)
	if at, p := tooMuch(tokens); p != nil {
		report(at, p)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		report(syntaxFault(err))
		return nil
	}
	t := &tree{anchors: map[string]*node{}, report: report}
	var root *node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		body := t.node(doc.Body, 0)
		if root != nil {
			report(body.place, wrong("put everything into one document", "a second document begins here"))
			break
		}
		root = body
	}
	if root == nil || root.form == empty {
		report(place{1, 1, 1}, wrong("lunette check --example prints a file to begin with", "the file holds nothing"))
		return nil
	}
	return root
}

// tooMuch bounds what the library's parser recurses over, and what it takes quadratic time for, before it runs.
func tooMuch(tokens token.Tokens) (place, *problem) {
	if len(tokens) > maxTokens {
		return placeOf(tokens[maxTokens]), wrong("", "the file holds more than %d words and signs", maxTokens)
	}
	var keys keyCount
	run := 0 // signs that nest when they follow one another on a line
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType, token.MappingValueType:
			run++
		default:
			if t.Type != token.StringType || t.Prev == nil || t.Prev.Type != token.AnchorType && t.Prev.Type != token.TagType {
				run = 0
			}
		}
		count, depth := keys.see(t)
		switch {
		case depth > maxDepth || run > maxDepth || t.Position.IndentNum > 16*maxDepth:
			return placeOf(t), wrong("", "lists and mappings lie deeper than %d levels", maxDepth)
		case count > maxKeys:
			return placeOf(t.Prev), wrong("", "a mapping holds more than %d keys", maxKeys)
		}
	}
	return place{}, nil
}

// keyCount counts the keys of the mappings that are open.
type keyCount struct {
	flow  []int       // of each { and [
	block map[int]int // by the column of the keys
	line  int         // of the last key outside { and [
	same  int         // keys on that line: they would lie in one another
}

// see returns how many keys the mapping has in which t ends a key, else 0, and how deep t stands in { and [, or among keys on one line.
func (k *keyCount) see(t *token.Token) (count, depth int) {
	top := len(k.flow) - 1
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		k.flow = append(k.flow, 0)
	case token.MappingEndType, token.SequenceEndType:
		k.flow = k.flow[:max(top, 0)]
	case token.SequenceEntryType: // a new item: the keys of the one before are done with
		if top < 0 && t.Position != nil {
			maps.DeleteFunc(k.block, func(c, _ int) bool { return c > t.Position.Column })
		}
	case token.MappingValueType:
		if top >= 0 {
			k.flow[top]++
			return k.flow[top], top + 1
		}
		if k.block == nil || t.Prev == nil {
			k.block = map[int]int{}
		}
		column := 0
		if t.Prev != nil {
			column = t.Prev.Position.Column
		}
		maps.DeleteFunc(k.block, func(c, _ int) bool { return c > column })
		k.block[column]++
		if k.line != t.Position.Line {
			k.line, k.same = t.Position.Line, 0
		}
		k.same++
		return k.block[column], k.same
	}
	return 0, len(k.flow)
}

func syntaxFault(err error) (place, *problem) {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return place{1, 1, 1}, wrong("", "read YAML: %s", firstLine(err.Error()))
	}
	return placeOf(syntax.Token), wrong(syntaxHint(syntax), "not YAML: %s", firstLine(syntax.Message))
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1, 1}
	}
	width := utf8.RuneCountInString(firstLine(t.Value))
	if t.Type == token.DoubleQuoteType || t.Type == token.SingleQuoteType {
		width += 2
	}
	return place{max(t.Position.Line, 1), max(t.Position.Column, 1), max(width, 1)}
}

func (t *tree) node(n ast.Node, depth int) *node {
	if depth > maxDepth {
		return t.broken(placeOf(n.GetToken()), wrong("", "lists and mappings lie deeper than %d levels", maxDepth))
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return t.mapping(n.Start, n.Values, depth)
	case *ast.MappingValueNode:
		return t.mapping(n.Start, []*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		out := &node{form: sequence, place: placeOf(n.Start)}
		for _, v := range n.Values {
			out.items = append(out.items, t.node(v, depth+1))
		}
		return out
	case *ast.AnchorNode:
		out := t.node(n.Value, depth+1)
		t.anchors[n.Name.GetToken().Value] = out
		return out
	case *ast.AliasNode:
		name := n.Value.GetToken()
		if out := t.anchors[name.Value]; out != nil {
			return out
		}
		hint := "an anchor (&" + name.Value + ") must stand before its first use, and not around it"
		if strings.HasPrefix(name.Value, ".") {
			hint = `a name that begins with * stands in quotes: "*` + name.Value + `"`
		}
		return t.broken(placeOf(name), wrong(hint, "there is no anchor %s", quote(name.Value)))
	case *ast.TagNode:
		return t.broken(placeOf(n.Start), wrong("leave it out", "tags such as %s are not used here", quote(n.Start.Value)))
	case nil:
		return &node{place: place{1, 1, 1}}
	}
	return scalar(n)
}

func (t *tree) broken(at place, p *problem) *node {
	t.report(at, p)
	return &node{form: broken, place: at}
}

func scalar(n ast.Node) *node {
	out := &node{form: words, text: n.GetToken().Value, place: placeOf(n.GetToken())}
	switch n := n.(type) {
	case *ast.NullNode:
		out.form, out.text = empty, ""
	case *ast.BoolNode:
		out.form = boolean
		out.text = strings.ToLower(out.text)
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		out.form = number
	case *ast.StringNode:
		out.text = n.Value
	case *ast.LiteralNode:
		out.text = strings.TrimRight(n.Value.Value, "\n")
	}
	return out
}

func (t *tree) mapping(start *token.Token, values []*ast.MappingValueNode, depth int) *node {
	out := &node{form: mapping, place: placeOf(start)}
	seen := map[string]place{}
	var merges []*node
	for _, v := range values {
		if _, merge := v.Key.(*ast.MergeKeyNode); merge {
			merges = append(merges, t.node(v.Value, depth+1))
			continue
		}
		key := t.key(v.Key)
		value := t.node(v.Value, depth+1)
		if key == nil {
			continue
		}
		if first, ok := seen[key.text]; ok {
			t.report(key.place, wrong("", "key %s stands here for a second time, first in line %d", quote(key.text), first.line))
			continue
		}
		seen[key.text] = key.place
		out.pairs = append(out.pairs, pair{key: key, value: value})
	}
	if len(out.pairs) > 0 && (start == nil || start.Type != token.MappingStartType) {
		out.place = out.pairs[0].key.place
	}
	for _, m := range merges {
		t.merge(out, seen, m)
	}
	return out
}

// merge adds what << brings to out; keys that stand there already win.
func (t *tree) merge(out *node, seen map[string]place, from *node) {
	switch {
	case from.form == broken:
	case from.form == sequence:
		for _, m := range from.items {
			if m.form == mapping {
				t.merge(out, seen, m)
			}
		}
	case from.form != mapping:
		t.report(from.place, wrong("", "<< must bring a mapping, not %s", from.what()))
	default:
		for _, p := range from.pairs {
			if _, ok := seen[p.key.text]; !ok {
				seen[p.key.text] = p.key.place
				out.pairs = append(out.pairs, pair{key: p.key, value: p.value, merged: true})
			}
		}
	}
}

func (t *tree) key(k ast.MapKeyNode) *node {
	switch k := k.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode, *ast.LiteralNode:
		return scalar(k)
	case *ast.MappingKeyNode:
		if inner, ok := k.Value.(ast.MapKeyNode); ok {
			return t.key(inner)
		}
	case *ast.AnchorNode:
		if inner, ok := k.Value.(ast.MapKeyNode); ok {
			return t.key(inner)
		}
	}
	t.report(placeOf(k.GetToken()), wrong("", "a key must be a word"))
	return nil
}

// what names the form of n and its value, as messages do.
func (n *node) what() string {
	switch n.form {
	case words:
		return quote(n.text)
	case number:
		return "the number " + n.text
	case boolean:
		return n.text
	case mapping:
		return "a mapping"
	case sequence:
		return "a list"
	}
	return "nothing"
}
