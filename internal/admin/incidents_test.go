package admin

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

type happened struct {
	doc string
	err error
}

func (l happened) Incidents() ([]byte, error) { return []byte(l.doc), l.err }

func TestIncidents(t *testing.T) {
	for _, c := range []struct {
		from   Incidents
		token  string
		auth   string
		status int
		body   string
	}{
		{happened{doc: `[]`}, "", "", 200, `[]` + "\n"},
		{nil, "", "", 404, "no incidents are kept here\n"},
		{happened{err: errors.New("x")}, "", "", 500, "the incidents could not be read\n"},
		{happened{doc: "{}"}, token, "", 401, ""},
		{happened{doc: "{}"}, token, "Bearer " + token, 200, "{}\n"},
	} {
		s, err := New(Config{Address: "127.0.0.1:0", Token: c.token}, Deps{Metrics: http.NotFoundHandler(), Incidents: c.from})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		status, body := get(t, s, "/incidents", "", c.auth)
		if status != c.status || c.body != "" && body != c.body {
			t.Errorf("%+v: %d %q", c, status, body)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
	}
}
