package rules_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/rules"
)

const sqliQuery = "q=1%27%20OR%20%271%27=%271%27%20UNION%20SELECT%20password%20FROM%20users--%20"

func TestDetect(t *testing.T) {
	e := open(t, rules.Settings{Detect: true})
	o := run(e, get("/?"+sqliQuery), "")
	if o.answer != nil || o.err != nil || o.waf.Verdict != "detect" || !has(o.waf, 942100) || o.waf.Phase != "request_body" {
		t.Errorf("%+v", o)
	}
	checkScore(t, o.waf)
	if o := run(e, post("/api", "application/json"), "{"); o.answer != nil || o.waf.Verdict != "detect" {
		t.Errorf("a body that cannot be parsed: %+v", o)
	}
	if o := run(e, get("/"), ""); o.waf.Verdict != "" {
		t.Errorf("harmless: %+v", o)
	}
}

func TestThresholdAndParanoia(t *testing.T) {
	x := "/?q=%3Cscript%3Ealert(1)%3C/script%3E"
	if o := run(open(t, rules.Settings{Inbound: 1000}), get(x), ""); o.answer != nil || o.waf.Score < 5 || o.waf.Threshold != 1000 {
		t.Errorf("high threshold: %+v", o)
	}
	odd := "/?a=%E4%F6%00"
	one, four := run(keep, get(odd), ""), run(open(t, rules.Settings{Paranoia: 4}), get(odd), "")
	if four.waf.Score <= one.waf.Score {
		t.Errorf("score %d at paranoia 1, %d at 4", one.waf.Score, four.waf.Score)
	}
	if o := run(open(t, rules.Settings{Methods: []string{"GET"}}), post("/", form), "a=b"); o.answer == nil || !has(o.waf, 911100) {
		t.Errorf("method not allowed: %+v", o)
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		x      *exchange.Exchange
		body   string
		code   reason.Code
		detail string
		status int
	}{
		{get("/?" + sqliQuery), "", reason.WAFBlockedRequest, "rule 949110", 403},
		{post("/api", "application/json"), "{", reason.WAFParseError, "rule 200002, JSON: read JSON: it ends too early at byte 1", 400},
	} {
		o := run(keep, c.x, c.body)
		var r *reason.Error
		if !errors.As(o.err, &r) || r.Code != c.code || r.Detail != c.detail || o.answer.Status != c.status {
			t.Errorf("%v %+v, want %s (%s) and %d", o.err, o.answer, c.code, c.detail, c.status)
		}
	}
}

func TestExclusions(t *testing.T) {
	quote := "a%27%20or%20%271%27=%271"
	for _, c := range []struct {
		name string
		ex   []rules.Exclusion
		pass []string
		hold []string // still blocked
	}{
		{"by rule", []rules.Exclusion{{Rules: []int{941100, 941110, 941160, 941390}}}, []string{"/?q=%3Cscript%3Ealert(1)%3C/script%3E"}, []string{"/?" + sqliQuery}},
		{"by tag", []rules.Exclusion{{Tag: "attack-sqli"}}, []string{"/?q=" + quote}, []string{"/?q=%3Cscript%3Ealert(1)%3C/script%3E"}},
		{"by rule and target", []rules.Exclusion{{Rules: []int{942100}, Target: "ARGS:q"}}, []string{"/?q=" + quote}, []string{"/?r=" + quote}},
		{"by target", []rules.Exclusion{{Target: "ARGS:q"}}, []string{"/?q=" + quote}, []string{"/?r=" + quote}},
		{"by tag and target", []rules.Exclusion{{Tag: "attack-sqli", Target: "ARGS:/^q/"}}, []string{"/?q=" + quote, "/?qq=" + quote}, []string{"/?r=" + quote}},
		{"by path", []rules.Exclusion{{Path: "/free/"}}, []string{"/free/?" + sqliQuery, "/free/a/b?" + sqliQuery}, []string{"/?" + sqliQuery, "/free?" + sqliQuery}},
		{"by rule and path", []rules.Exclusion{{Rules: []int{942100}, Path: "/free"}}, []string{"/free?q=" + quote, "/%66ree?q=" + quote}, []string{"/free/x?q=" + quote, "/?q=" + quote}},
		{"by all three", []rules.Exclusion{{Rules: []int{942100}, Target: "ARGS:q", Path: "/a*"}}, []string{"/ab?q=" + quote}, []string{"/ab?r=" + quote, "/b?q=" + quote}},
		{"no way around the path", []rules.Exclusion{{Tag: "attack-sqli", Path: "/free/"}}, []string{"/free/x?q=" + quote},
			[]string{"/free/../x?q=" + quote, "/free/%2e%2e/x?q=" + quote, "/free/..%5cx?q=" + quote, `/free/..\x?q=` + quote}},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := open(t, rules.Settings{Exclusions: c.ex})
			for _, p := range c.pass {
				if o := run(e, get(p), ""); o.answer != nil {
					t.Errorf("%s is blocked: %+v", p, o.waf)
				}
			}
			for _, p := range c.hold {
				if o := run(e, get(p), ""); o.answer == nil {
					t.Errorf("%s passes", p)
				}
			}
		})
	}
}

func TestResponse(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		rule   int
	}{
		{"sql error", 200, "<html>You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version", 951230},
		{"php source", 200, "<?php echo system($_GET['x']); ?>", 953120},
		{"harmless", 200, "<html><p>Hello</p></html>", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := get("/")
			in := keep.Begin(x)
			if a, err := in.RequestHead(time.Time{}); a != nil || err != nil {
				t.Fatal(err)
			}
			_, _ = in.RequestBody(nil, false, time.Time{})
			r := &exchange.Response{Status: c.status, Proto: exchange.HTTP11, Header: exchange.Header{{Name: "Content-Type", Value: "Text/HTML; charset=utf-8"}}}
			if a, err := in.ResponseHead(r, time.Time{}); a != nil || err != nil {
				t.Fatal(err)
			}
			a, err := in.ResponseBody(strings.NewReader(c.body), false, time.Time{})
			in.End(&x.WAF)
			if (a != nil) != (c.rule != 0) || c.rule != 0 && (!has(x.WAF, c.rule) || x.WAF.Phase != "response_body" || x.WAF.Threshold != 4) {
				t.Fatalf("%v %+v", err, x.WAF)
			}
			var r2 *reason.Error
			if c.rule != 0 && (!errors.As(err, &r2) || r2.Code != reason.WAFBlockedResponse || a.Status != 0) {
				t.Errorf("reason %v", err)
			}
			checkScore(t, x.WAF)
		})
	}
}

type withTrailer struct{ exchange.Header }

func (withTrailer) Read([]byte) (int, error)   { return 0, io.EOF }
func (b withTrailer) Trailer() exchange.Header { return b.Header }
func (withTrailer) Close() error               { return nil }

func TestTrailer(t *testing.T) {
	for value, stop := range map[string]bool{"harmless": false, "${jndi:ldap://x.test/a}": true} {
		x := post("/", form, "Transfer-Encoding", "chunked")
		x.Request.Length, x.Request.Body = exchange.Chunked, withTrailer{exchange.Header{{Name: "X-Sum", Value: value}}}
		if o := run(keep, x, "a=b"); (o.answer != nil) != stop {
			t.Errorf("%s: %+v", value, o.waf)
		}
	}
}

// A part of a body is no malformed body.
func TestPartialBody(t *testing.T) {
	for _, c := range []struct{ mime, body string }{
		{"application/json", `{"a":"b","c":"d`},
		{multipart, "--bnd\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nxxx"},
	} {
		for _, partial := range []bool{true, false} {
			in := keep.Begin(post("/", c.mime, "Content-Length", "100"))
			_, _ = in.RequestHead(time.Time{})
			a, err := in.RequestBody(strings.NewReader(c.body), partial, time.Time{})
			in.End(&exchange.WAF{})
			if (a == nil) != partial {
				t.Errorf("%s, partial %v: %v", c.mime, partial, err)
			}
		}
	}
}

func TestBudget(t *testing.T) {
	x := get("/?" + sqliQuery)
	in := keep.Begin(x)
	a, err := in.RequestHead(time.Now().Add(-time.Second))
	var r *reason.Error
	if a != nil || !errors.As(err, &r) || r.Code != reason.WAFTimeout {
		t.Fatalf("%v %v", a, err)
	}
	if a, err := in.RequestBody(nil, false, time.Time{}); a != nil || err != nil {
		t.Errorf("a step after the fault: %v %v", a, err)
	}
	in.End(&x.WAF)
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("boom") }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, os.ErrPermission }

func TestFaults(t *testing.T) {
	for _, body := range []interface{ Read([]byte) (int, error) }{panicking{}, failing{}} {
		in := keep.Begin(post("/", form, "Content-Length", "3"))
		_, _ = in.RequestHead(time.Time{})
		a, err := in.RequestBody(body, false, time.Time{})
		var r *reason.Error
		if a != nil || !errors.As(err, &r) || r.Code != reason.WAFEngineError {
			t.Errorf("%T: %v %v", body, a, err)
		}
		in.End(&exchange.WAF{})
	}
}

func TestConcurrent(t *testing.T) {
	detect := open(t, rules.Settings{Detect: true})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 10 {
				if o := run(keep, get("/?"+sqliQuery), ""); o.answer == nil {
					t.Error("attack passed")
				}
				if o := run(detect, get("/?"+sqliQuery), ""); o.answer != nil || o.waf.Verdict != "detect" {
					t.Error("detect blocked")
				}
				if i%2 == 0 {
					e, err := factory.Open(rules.Settings{Exclusions: []rules.Exclusion{{Path: "/x", Rules: []int{942100}}}}) // has the patterns of keep
					if err != nil {
						t.Error(err)
						return
					}
					e.Close()
				}
			}
		})
	}
	wg.Wait()
}
