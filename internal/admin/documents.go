package admin

import "net/http"

// Origins tells what was learned of origins.
type Origins interface {
	// Origins returns it as JSON (docs/origins.md).
	Origins() ([]byte, error)
}

// Incidents tells what failed.
type Incidents interface {
	// Incidents returns the incidents, open and over, as JSON (docs/formats/incident.md), without samples.
	Incidents() ([]byte, error)
}

func (d *Deps) origins() func() ([]byte, error) {
	if d.Origins == nil {
		return nil
	}
	return d.Origins.Origins
}

func (d *Deps) incidents() func() ([]byte, error) {
	if d.Incidents == nil {
		return nil
	}
	return d.Incidents.Incidents
}

// document serves what get returns, JSON; a nil get is none. failed is told where get fails, and none where there is nothing to get.
func document(w http.ResponseWriter, get func() ([]byte, error), none, failed string) {
	if get == nil {
		text(w, http.StatusNotFound, none)
		return
	}
	doc, err := get()
	if err != nil {
		text(w, http.StatusInternalServerError, failed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(doc[:len(doc):len(doc)], '\n'))
}
