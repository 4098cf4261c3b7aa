package body

import "strings"

// gqlScan is one pass over a GraphQL document.
type gqlScan struct {
	r       *Result
	text    string
	at      int
	partial bool
	limits  Limits
	bytes   int // of names, so many are left
	stop    bool
}

// graphQL reads a body of application/graphql: its text as the value "graphql", and what stands in it.
func (r *Result) graphQL(text string, partial bool, l Limits) {
	if r.add("graphql", text, l) {
		names := max(maxNames*len(text), minNames)
		r.gqlDocument(text, partial, l, &names)
	}
}

// graphQLInJSON looks at the values of a JSON body, from Args[first] on, for GraphQL requests: json.query, or json.0.query and so on in a batch. A
// text that is no GraphQL leaves nothing behind, as it need not be meant as such.
func (r *Result) graphQLInJSON(first int, partial bool, l Limits) {
	end, names := len(r.Args), minNames
	for i := first; i < end; i++ {
		name, ok := strings.CutSuffix(r.Args[i].Name, ".query")
		index, isBatch := strings.CutPrefix(name, "json.")
		if !ok || name != "json" && (!isBatch || index == "" || digits(index) != len(index)) || !looksGraphQL(r.Args[i].Value) {
			continue
		}
		at, shape, before := len(r.Args), r.GraphQL, r.state()
		r.restore(state{})
		names += maxNames * len(r.Args[i].Value)
		r.gqlDocument(r.Args[i].Value, partial, l, &names)
		after := r.state()
		switch {
		case after.text != "" && !after.depth || r.GraphQL.Operations == shape.Operations:
			r.Args, r.GraphQL = r.Args[:at], shape
			r.restore(before)
		case before.text != "":
			r.restore(state{before.text, before.at, before.tooMany || after.tooMany, before.depth || after.depth})
		default:
			r.TooMany = before.tooMany || after.tooMany
		}
	}
}

// looksGraphQL reports whether s begins as a document does.
func looksGraphQL(s string) bool {
	s = strings.TrimLeft(strings.TrimPrefix(s, byteOrderMark), " \t\r\n,")
	for _, word := range []string{"{", "#", "query", "mutation", "subscription", "fragment"} {
		if strings.HasPrefix(s, word) {
			return true
		}
	}
	return false
}

// gqlDocument reads operations and fragments. An argument a of the field f in the operation o is named graphql.o.f.a, each field graphql.o.f with its
// alias as the value, a directive d graphql.o.f.@d, a variable's default graphql.o.$v. An operation without a name goes by its kind.
// It takes what it uses off names, a number of bytes.
func (r *Result) gqlDocument(text string, partial bool, l Limits, names *int) {
	s := gqlScan{r: r, text: text, partial: partial, limits: l, bytes: *names}
	defer func() { *names = s.bytes }()
	if strings.HasPrefix(text, byteOrderMark) {
		s.at = len(byteOrderMark)
	}
	for s.space(); s.at < len(text) && !s.stop; s.space() {
		s.definition()
	}
}

// fault stops, unless the text was cut here.
func (s *gqlScan) fault(what string) {
	if s.stop {
		return
	}
	s.stop = true
	if s.at >= len(s.text) {
		if s.partial {
			return
		}
		what = "it ends too early"
	}
	s.r.fail(s.at, "read GraphQL: %s", what)
}

// space goes over what means nothing: spaces, commas and comments.
func (s *gqlScan) space() {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '#':
			i := strings.IndexAny(s.text[s.at:], "\r\n")
			if i < 0 {
				s.at = len(s.text)
				return
			}
			s.at += i
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',':
		case strings.HasPrefix(s.text[s.at:], byteOrderMark):
			s.at += len(byteOrderMark) - 1
		default:
			return
		}
		s.at++
	}
}

// peek is the byte that is next behind space, 0 at the end.
func (s *gqlScan) peek() byte {
	s.space()
	if s.at >= len(s.text) {
		return 0
	}
	return s.text[s.at]
}

// take goes over c if it is next.
func (s *gqlScan) take(c byte) bool {
	if s.stop || s.peek() != c {
		return false
	}
	s.at++
	return true
}

// name reads a name; "" stops.
func (s *gqlScan) name() string {
	s.space()
	from := s.at
	for s.at < len(s.text) && (isAlphaNumeric(s.text[s.at]) || s.text[s.at] == '_') {
		s.at++
	}
	if from == s.at || s.text[from] <= '9' {
		s.fault("a name is missing")
		return ""
	}
	return s.text[from:s.at]
}

// push makes name a part of the path and returns what makes it none again.
func (s *gqlScan) push(sign, name string) (before int) {
	before = len(s.r.key)
	s.r.key = append(append(append(s.r.key, '.'), sign...), name...)
	return before
}

func (s *gqlScan) pop(before int) { s.r.key = s.r.key[:before] }

// emit takes a value by the path that was pushed.
func (s *gqlScan) emit(value string) {
	s.r.steps++
	if s.bytes -= len(s.r.key); s.bytes < 0 {
		s.r.TooMany, s.stop = true, true
		return
	}
	if len(s.r.Args) >= s.limits.Values {
		s.r.TooMany, s.stop = true, true
		return
	}
	s.r.add(s.r.arena.keep(s.r.key), value, s.limits)
}

// deep reports whether depth is a bound that was reached, and stops.
func (s *gqlScan) deep(depth int) bool {
	if depth > s.limits.Depth {
		s.r.tooDeep(s.at, s.limits.Depth, "GraphQL")
		s.stop = true
	}
	return s.stop
}

// definition reads an operation or a fragment.
func (s *gqlScan) definition() {
	s.r.key = append(s.r.key[:0], "graphql"...)
	if s.peek() == '{' {
		s.r.GraphQL.Operations++
		s.push("", "query")
		s.selections(1)
		return
	}
	kind := s.name()
	switch kind {
	case "query", "mutation", "subscription":
		s.r.GraphQL.Operations++
		name := kind
		if c := s.peek(); c != '(' && c != '{' && c != '@' {
			name = s.name()
		}
		s.push("", name)
		s.variables()
	case "fragment":
		s.push("", s.name())
		if s.name() != "on" {
			s.fault("a fragment without \"on\"")
		}
		s.name()
	default:
		s.fault("a definition that is none")
		return
	}
	s.directives()
	s.selections(1)
}

// variables reads the definitions of variables.
func (s *gqlScan) variables() {
	if !s.take('(') {
		return
	}
	for !s.stop && !s.take(')') {
		if !s.take('$') {
			s.fault("a variable is missing")
			return
		}
		before := s.push("$", s.name())
		if !s.take(':') {
			s.fault("the type of a variable is missing")
			return
		}
		s.kind()
		if s.take('=') {
			s.value(1)
		}
		s.directives()
		s.pop(before)
	}
}

// kind goes over a type: a name in any number of lists.
func (s *gqlScan) kind() {
	lists := 0
	for s.take('[') {
		lists++
	}
	s.name()
	s.take('!')
	for ; lists > 0 && !s.stop; lists-- {
		if !s.take(']') {
			s.fault("the end of a list is missing")
		}
		s.take('!')
	}
}
