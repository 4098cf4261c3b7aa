package admin

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

type learned struct {
	doc string
	err error
}

func (l learned) Origins() ([]byte, error) { return []byte(l.doc), l.err }

func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		from   Origins
		token  string
		auth   string
		status int
		body   string
	}{
		{learned{doc: `{"origins":[]}`}, "", "", 200, `{"origins":[]}` + "\n"},
		{nil, "", "", 404, "nothing is learned of origins here\n"},
		{learned{err: errors.New("x")}, "", "", 500, "what was learned of origins could not be written down\n"},
		{learned{doc: "{}"}, token, "", 401, ""},
		{learned{doc: "{}"}, token, "Bearer " + token, 200, "{}\n"},
	} {
		s, err := New(Config{Address: "127.0.0.1:0", Token: c.token}, Deps{Metrics: http.NotFoundHandler(), Origins: c.from})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		status, body := get(t, s, "/origins", "", c.auth)
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
