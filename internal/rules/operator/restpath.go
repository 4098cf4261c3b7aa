package operator

import (
	"fmt"
	"regexp"
	"strings"
)

// restPath is @restpath: a path with places, /users/{id}.
type restPath struct {
	expr   *regexp.Regexp
	names  []string
	groups []int // of names
}

// newPath makes {name} a group of what is neither a slash nor a question mark. The rest of the argument is a regular expression, as in
// Coraza, and is found anywhere in the value.
func newPath(argument string) (Operator, error) {
	var expr strings.Builder
	rest := argument
	for {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			break
		}
		length := strings.IndexByte(rest[open:], '}')
		if length < 0 {
			break
		}
		name := rest[open+1 : open+length]
		if length < 2 { // {} is no place
			expr.WriteString(rest[:open+length+1])
		} else {
			fmt.Fprintf(&expr, "%s(?P<%s>[^?/]+)", rest[:open], name)
		}
		rest = rest[open+length+1:]
	}
	expr.WriteString(rest)
	re, err := regexp.Compile(expr.String())
	if err != nil {
		return nil, fmt.Errorf("read path %q: %w", argument, err)
	}
	p := &restPath{expr: re}
	for i, name := range re.SubexpNames() {
		if name != "" {
			p.names, p.groups = append(p.names, name), append(p.groups, i)
		}
	}
	return p, nil
}

func (p *restPath) Names() []string { return p.names }

func (p *restPath) Match(value string, captured *[]string) bool {
	if captured == nil || len(p.names) == 0 {
		return p.expr.MatchString(value)
	}
	m := p.expr.FindStringSubmatch(value)
	if m == nil {
		return false
	}
	for _, g := range p.groups {
		*captured = append(*captured, m[g])
	}
	return true
}
