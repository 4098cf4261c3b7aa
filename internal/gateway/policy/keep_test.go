package policy_test

import (
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/gateway/policy"
)

// What the audit log may show of bodies is the beginning of what rules saw, codings removed; nothing where nobody asks for it.
func TestKeepBodies(t *testing.T) {
	const form, answer = "a=1&b=2", "<html>hello"
	for _, c := range []struct {
		keep                         int64
		limit                        int64
		coding                       string
		wantRequest, wantAnswer      string
		undecodable, partial, noBody bool
	}{
		{keep: 0}, {keep: 100, wantRequest: form, wantAnswer: answer}, {keep: 3, wantRequest: "a=1", wantAnswer: "<ht"},
		{keep: 100, coding: "gzip", wantRequest: form, wantAnswer: answer}, {keep: 100, coding: "gzip", undecodable: true, wantRequest: form},
		{keep: 100, limit: 4, partial: true, wantRequest: "a=1&", wantAnswer: answer}, {keep: 100, noBody: true},
	} {
		s := stage(t, policy.Config{KeepBody: c.keep, RequestLimit: c.limit, Partial: c.partial}, &fake{})
		b := body(form)
		x := request(b, int64(len(form)))
		if c.noBody {
			x.Request.Length, x.Request.Body = 0, nil
		}
		tx := s.Begin(x)
		tx.Request(t.Context())
		text := answer
		if c.coding != "" && !c.undecodable {
			text = squeeze(t, c.coding, answer)
		}
		if !c.noBody {
			tx.Response(t.Context(), response("text/html", c.coding, text))
		}
		tx.End()
		if a := x.WAF.Audit; a.RequestBody != c.wantRequest || a.ResponseBody != c.wantAnswer {
			t.Errorf("%+v: kept %q and %q", c, a.RequestBody, a.ResponseBody)
		}
		for _, m := range x.WAF.Matches {
			if strings.Contains(m.Message, "gzip") != c.undecodable && !c.partial {
				t.Errorf("%+v: noted %q", c, m.Message)
			}
		}
		if n := len(x.WAF.Matches); c.undecodable && n != 1 {
			t.Errorf("%d notes", n)
		}
	}
}
