package coraza

import (
	"strings"

	"github.com/corazawaf/coraza/v3/collection"
	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// The engine caches transformed values by the address of their name and by their place in a walk whose order changes from rule
// to rule. Two values whose names are one string in memory can so be taken for one another, and an attack in one of them
// goes unseen. Giving each value a name of its own in memory prevents it.

// own returns a copy of name at an address of its own, also where name is empty.
func own(name string) string { return strings.Clone(name + "\x00")[:len(name)] }

// ownName returns the name of h[i], copied where an earlier field has the same one.
func ownName(h exchange.Header, i int) string {
	for _, f := range h[:i] {
		if exchange.EqualFold(f.Name, h[i].Name) {
			return own(h[i].Name)
		}
	}
	return h[i].Name
}

// unalias gives the values of c names of their own where several have the same.
func unalias(c collection.Map) {
	all := c.FindAll()
	if len(all) < 2 {
		return
	}
	seen := make(map[string]struct{}, len(all))
	for _, d := range all {
		seen[d.Key()] = struct{}{}
	}
	if len(seen) == len(all) {
		return
	}
	for name := range seen {
		c.Remove(name)
	}
	for _, d := range all {
		c.Add(own(d.Key()), d.Value())
	}
}

// unaliasBody does so for everything that a body processor fills.
func unaliasBody(v plugintypes.TransactionVariables) {
	for _, c := range []collection.Map{v.ArgsPost(), v.MultipartPartHeaders(), v.MultipartName(), v.MultipartFilename(),
		v.MultipartFilenameCharset(), v.MultipartFilenameLanguage(), v.ResponseArgs()} {
		unalias(c)
	}
}
