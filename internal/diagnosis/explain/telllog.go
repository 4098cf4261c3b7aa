package explain

import (
	"strconv"

	"github.com/lunette-waf/lunette/internal/fact"
)

// logged tells what the origin wrote about the connection.
func (t *teller) logged(r *row, f *fact.Fact) bool {
	l, ok := f.Detail.(*fact.OriginLog)
	if !ok {
		return false
	}
	r.form, r.level, r.name = note, usual, "the origin logged "+clean(f.Text)
	at := clean(l.File) + ":" + strconv.Itoa(l.Line)
	words := clean(l.Message)
	if l.Method != "" {
		words = joined(" ", clean(l.Method), cut(clean(l.Target), 40))
	}
	r.more = joined(", ", at, cut(words, 80))
	return true
}
