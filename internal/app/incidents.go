package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/store"
)

// incidentView implements admin.Incidents.
type incidentView struct{ store *store.Store }

// Incidents implements admin.Incidents.
func (v incidentView) Incidents() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := v.store.Incidents(ctx, store.Query{All: true})
	if err != nil {
		return nil, err
	}
	out := make([]incident.Counted, len(all))
	for i := range all {
		out[i] = incident.CountedOf(&all[i])
	}
	doc, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write incidents: %w", err)
	}
	return doc, nil
}
