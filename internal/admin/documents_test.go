package admin

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"
)

type documents struct {
	doc string
	err error
}

func (d documents) Origins() ([]byte, error)   { return []byte(d.doc), d.err }
func (d documents) Incidents() ([]byte, error) { return []byte(d.doc), d.err }

func TestDocuments(t *testing.T) {
	type row struct {
		from   *documents
		token  string
		auth   string
		status int
		body   string
	}
	for _, path := range []struct {
		path, doc, none, failed string
		deps                    func(*documents) Deps
	}{
		{"/origins", `{"origins":[]}`, "nothing is learned of origins here\n", "what was learned of origins could not be written down\n", func(d *documents) Deps { return Deps{Origins: d} }},
		{"/incidents", `[]`, "no incidents are kept here\n", "the incidents could not be read\n", func(d *documents) Deps { return Deps{Incidents: d} }},
	} {
		for _, c := range []row{
			{&documents{doc: path.doc}, "", "", 200, path.doc + "\n"},
			{nil, "", "", 404, path.none},
			{&documents{err: errors.New("x")}, "", "", 500, path.failed},
			{&documents{doc: "{}"}, token, "", 401, ""},
			{&documents{doc: "{}"}, token, "Bearer " + token, 200, "{}\n"},
		} {
			var deps Deps
			if c.from != nil {
				deps = path.deps(c.from)
			}
			deps.Metrics = http.NotFoundHandler()
			s, err := New(Config{Address: "127.0.0.1:0", Token: c.token}, deps)
			if err != nil {
				t.Fatal(err)
			}
			s.Start()
			status, body := get(t, s, path.path, "", c.auth)
			if status != c.status || c.body != "" && body != c.body {
				t.Errorf("%s %+v: %d %q", path.path, c, status, body)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if err := s.Close(ctx); err != nil {
				t.Error(err)
			}
			cancel()
		}
	}
}
