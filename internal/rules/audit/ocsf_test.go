package audit_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/reason"
)

// attribute is what OCSF says of one attribute of an object.
type attribute struct {
	kind            string // a simple type, or the name of an object
	array, required bool
	values          []string
}

// schema is objects by name, attributes by name.
type schema map[string]map[string]attribute

func readSchema(t *testing.T) schema {
	t.Helper()
	b, err := os.ReadFile("testdata/ocsf-1.2.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	s := schema{}
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 3 || f[0] == "#" {
			continue
		}
		a := attribute{kind: f[2]}
		for _, w := range f[3:] {
			a.array = a.array || w == "array"
			a.required = a.required || w == "required"
			if v, ok := strings.CutPrefix(w, "values="); ok {
				a.values = strings.Split(v, ",")
			}
		}
		if s[f[0]] == nil {
			s[f[0]] = map[string]attribute{}
		}
		s[f[0]][f[1]] = a
	}
	return s
}

// check says what in v is not as the object demands.
func (s schema) check(object, path string, v map[string]any) (faults []string) {
	for name, a := range s[object] {
		if _, there := v[name]; a.required && !there {
			faults = append(faults, path+"."+name+" is required")
		}
	}
	for name, value := range v {
		at := path + "." + name
		a, known := s[object][name]
		if !known {
			faults = append(faults, at+" is unknown")
			continue
		}
		list, isList := value.([]any)
		if isList != a.array {
			faults = append(faults, at+" is a list, or should be one")
			continue
		}
		if !isList {
			list = []any{value}
		}
		for _, e := range list {
			faults = append(faults, s.value(a, at, e)...)
		}
	}
	return faults
}

func (s schema) value(a attribute, at string, v any) []string {
	ok := false
	switch a.kind {
	case "json_t":
		ok = true
	case "object": // any
		_, ok = v.(map[string]any)
	case "integer_t", "long_t", "timestamp_t", "port_t":
		n, number := v.(float64)
		ok = number && n == float64(int64(n))
	case "boolean_t":
		_, ok = v.(bool)
	default:
		if s[a.kind] != nil {
			o, is := v.(map[string]any)
			if !is {
				return []string{at + " is no object"}
			}
			return s.check(a.kind, at, o)
		}
		_, ok = v.(string)
		ok = ok && strings.HasSuffix(a.kind, "_t")
	}
	if !ok {
		return []string{fmt.Sprintf("%s is no %s: %v", at, a.kind, v)}
	}
	if a.values != nil && !slices.Contains(a.values, fmt.Sprint(v)) {
		return []string{fmt.Sprintf("%s must not be %v", at, v)}
	}
	return nil
}

func TestOCSFIsValid(t *testing.T) {
	s := readSchema(t)
	if len(s) != 13 || len(s["http_activity"]) < 40 {
		t.Fatalf("%d objects", len(s))
	}
	failed := clean()
	failed.WAF.Verdict, failed.Answer.Reason, failed.Answer.Status = "error", reason.WAFTimeout, 503
	refused := clean()
	refused.Refused = reason.New(reason.ConfigNoSite, "", nil)
	bare := &exchange.Exchange{WAF: exchange.WAF{Mode: "block", Verdict: "pass"}}
	odd := clean()
	odd.Request.Method, odd.Request.Authority, odd.Request.Target, odd.Client.TLS = "BREW", "a b:99999", "*", nil
	address := clean()
	address.Request.Authority, address.Request.Method = "[::1]:8443", "TRACE"
	passed := blocked()
	passed.WAF.Verdict, passed.Answer.Reason, passed.Answer.Status = "pass", "", 200
	for _, c := range []struct {
		name                                         string
		x                                            *exchange.Exchange
		activity, severity, status, action, disposed int
		message, host                                string
	}{
		{"clean", clean(), 3, 1, 1, 1, 1, "Passed", "shop.test"},
		{"blocked", blocked(), 6, 5, 2, 2, 2, "Blocked: SQL Injection Attack Detected via libinjection", "shop.test"},
		{"detected", detected(), 6, 5, 1, 1, 15, "Would have been blocked: SQL Injection Attack Detected via libinjection", "shop.test"},
		{"matched below the threshold", passed, 6, 5, 1, 1, 17, "Passed: SQL Injection Attack Detected via libinjection", "shop.test"},
		{"rules failed", failed, 3, 1, 2, 2, 27, "Blocked", "shop.test"}, {"refused", refused, 3, 1, 1, 2, 25, "Refused", "shop.test"},
		{"bare", bare, 99, 1, 2, 1, 1, "Passed", ""}, {"odd", odd, 99, 1, 1, 1, 1, "Passed", ""}, {"address", address, 8, 1, 1, 1, 1, "Passed", "::1"},
	} {
		var e map[string]any
		if err := json.Unmarshal(open(t, every("ocsf")).Append(nil, c.x), &e); err != nil {
			t.Fatal(err)
		}
		for _, fault := range s.check("http_activity", c.name, e) {
			t.Error(fault)
		}
		got := fmt.Sprint(e["activity_id"], e["severity_id"], e["status_id"], e["action_id"], e["disposition_id"], e["message"], e["type_uid"])
		if want := fmt.Sprint(float64(c.activity), float64(c.severity), float64(c.status), float64(c.action), float64(c.disposed), c.message, float64(400200+c.activity)); got != want {
			t.Errorf("%s: %s, want %s", c.name, got, want)
		}
		host, _ := e["http_request"].(map[string]any)["url"].(map[string]any)["hostname"].(string)
		if host != c.host {
			t.Errorf("%s: host %q, want %q", c.name, host, c.host)
		}
	}
}
