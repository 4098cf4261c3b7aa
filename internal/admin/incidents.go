package admin

import "net/http"

// Incidents tells what failed.
type Incidents interface {
	// Incidents returns the incidents, open and over, as JSON (docs/formats/incident.md), without samples.
	Incidents() ([]byte, error)
}

// incidents serves GET /incidents.
func incidents(w http.ResponseWriter, from Incidents) {
	if from == nil {
		text(w, http.StatusNotFound, "no incidents are kept here")
		return
	}
	doc, err := from.Incidents()
	if err != nil {
		text(w, http.StatusInternalServerError, "the incidents could not be read")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(doc[:len(doc):len(doc)], '\n'))
}
