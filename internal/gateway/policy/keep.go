package policy

import (
	"io"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// keepBodies puts the beginnings of the bodies that rules saw into w, while the spools still hold them.
func (t *Transaction) keepBodies(w *exchange.WAF) {
	n := t.stage.cfg.KeepBody
	if n <= 0 {
		return
	}
	if t.request.size > 0 {
		w.Audit.RequestBody = beginning(t.request.reader(min(t.request.size, t.stage.cfg.RequestLimit)), n)
	}
	if t.response.size > 0 {
		notes := len(t.notes) // that it cannot be decoded has been noted already
		if r := t.decoded(t.coding); r != nil {
			w.Audit.ResponseBody = beginning(r, n)
		}
		t.notes = t.notes[:notes]
	}
}

// beginning returns at most n bytes of r; what cannot be read is left out.
func beginning(r io.Reader, n int64) string {
	b, _ := io.ReadAll(io.LimitReader(r, n))
	return string(b)
}
