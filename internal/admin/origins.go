package admin

import (
	"net/http"
)

// Origins tells what was learned of origins.
type Origins interface {
	// Origins returns it as JSON (docs/origins.md).
	Origins() ([]byte, error)
}

// origins serves GET /origins.
func origins(w http.ResponseWriter, from Origins) {
	if from == nil {
		text(w, http.StatusNotFound, "nothing is learned of origins here")
		return
	}
	doc, err := from.Origins()
	if err != nil {
		text(w, http.StatusInternalServerError, "what was learned of origins could not be written down")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(doc[:len(doc):len(doc)], '\n'))
}
