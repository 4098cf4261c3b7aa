package policy_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/policy"
)

func TestRefused(t *testing.T) {
	broken := func() (*exchange.Response, error) { return nil, errors.New("broken") }
	for _, c := range []struct {
		name       string
		cfg        policy.Config
		head, body func() (*exchange.Response, error)
		steps      []string
		verdict    string
		phase      string
	}{
		{"pass", policy.Config{}, nil, nil, []string{"begin", "head", "body", "end"}, policy.VerdictPass, ""},
		{"blocked by its head", policy.Config{}, block, nil, []string{"begin", "head", "end"}, policy.VerdictBlock, "request_headers"},
		{"blocked with its body", policy.Config{}, nil, block, []string{"begin", "head", "body", "end"}, policy.VerdictBlock, "request_body"},
		{"detect", policy.Config{Mode: policy.Detect}, block, nil, []string{"begin", "head", "body", "end"}, policy.VerdictPass, "request_headers"},
		{"rules fail", policy.Config{}, broken, nil, []string{"begin", "head", "end"}, policy.VerdictError, "request_headers"},
		{"rules panic", policy.Config{FailOpen: true}, nil, func() (*exchange.Response, error) { panic("rule") }, []string{"begin", "head", "body", "end"}, policy.VerdictError, "request_body"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{requestHead: c.head, requestBody: c.body}
			b := body("never read")
			x := request(b, 10)
			tx := stage(t, c.cfg, f).Begin(x)
			tx.Refused()
			tx.End()
			if d := cmp.Diff(c.steps, f.steps); d != "" {
				t.Errorf("steps (-want +got)\n%s", d)
			}
			if x.WAF.Verdict != c.verdict || x.WAF.Phase != c.phase {
				t.Errorf("verdict %s in %s, want %s in %s", x.WAF.Verdict, x.WAF.Phase, c.verdict, c.phase)
			}
			if b.read != 0 || f.body != "" || x.Request.Body != exchange.Body(b) {
				t.Errorf("%d bytes of the body were read", b.read)
			}
			for _, left := range f.left {
				if left <= 0 || left > policy.DefaultBudget {
					t.Errorf("a step had %v left", left)
				}
			}
		})
	}
	var off *policy.Transaction
	off.Refused() // mode off
}
