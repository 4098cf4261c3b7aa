package main

import (
	"strings"
	"testing"
)

func TestSummarise(t *testing.T) {
	for _, c := range []struct {
		name, in string
		code     int
		has      []string
		hasNot   []string
	}{
		{"passed and skipped", `
{"Action":"run","Package":"p","Test":"A"}
{"Action":"output","Package":"p","Test":"A","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"A","Elapsed":0.1}
{"Action":"output","Package":"p","Test":"B","Output":"=== RUN B\n"}
{"Action":"output","Package":"p","Test":"B","Output":"    b_test.go:9: nginx is missing: apt-get install nginx-light\n"}
{"Action":"output","Package":"p","Test":"B","Output":"--- SKIP: B (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"B"}
{"Action":"pass","Package":"p","Elapsed":1.5}
{"Action":"skip","Package":"empty"}`, 0,
			[]string{"ok    p  1.5 s", "Skipped (1):\n  p B: nginx is missing: apt-get install nginx-light\n", "1 packages\n1 passed, 0 failed, 1 skipped\n"},
			[]string{"chatter", "empty", "SKIP:"}},
		{"failed", `
{"Action":"output","Package":"p","Test":"A","Output":"    a_test.go:9: got 1\n"}
{"Action":"fail","Package":"p","Test":"A"}
{"Action":"output","Package":"p","Output":"FAIL\tp\n"}
{"Action":"fail","Package":"p","Elapsed":0.2}`, 1,
			[]string{"a_test.go:9: got 1", "FAIL  p", "Failed (2):\n  p\n  p A\n"}, nil},
		{"does not compile", `
{"ImportPath":"p [p.test]","Action":"build-output","Output":"p.go:1:1: oops\n"}
{"ImportPath":"p [p.test]","Action":"build-fail"}
{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`, 1,
			[]string{"p.go:1:1: oops", "Failed (1):\n  p\n"}, nil},
		{"died", `
{"Action":"output","Package":"p","Test":"A","Output":"panic: boom\n"}
{"Action":"fail","Package":"p"}`, 1, []string{"panic: boom"}, nil},
		{"nothing", ``, 1, []string{"nothing was tested"}, nil},
		{"not JSON", "go: cannot find main module", 1, []string{"go: cannot find main module"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if code := summarise(strings.NewReader(strings.TrimPrefix(c.in, "\n")), &out); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, s := range c.has {
				if !strings.Contains(out.String(), s) {
					t.Errorf("output lacks %q:\n%s", s, out.String())
				}
			}
			for _, s := range c.hasNot {
				if strings.Contains(out.String(), s) {
					t.Errorf("output has %q:\n%s", s, out.String())
				}
			}
		})
	}
}
