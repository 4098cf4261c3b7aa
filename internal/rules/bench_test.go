package rules_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules"
)

// The requests of make bench-waf, in this process.
func BenchmarkInspection(b *testing.B) {
	var form, doc strings.Builder
	for i := range 24 {
		fmt.Fprintf(&form, "&field_%02d=value+number+%02d+of+a+usual+form+entry", i, i)
	}
	for i := range 100 {
		fmt.Fprintf(&doc, `,{"article":"A-%05d","name":"Garden chair no %d, oak, with cushion","count":%d,"price":%d.%02d}`, 10000+i*37, i, i%7+1, i*3+9, i)
	}
	fields := []string{"Accept-Language", "en-US,en;q=0.5", "Accept-Encoding", "gzip, deflate"}
	for _, c := range []struct {
		name, target, mime, body string
		level                    int
	}{
		{"get", "/", "", "", 1},
		{"get-5-args", "/?page=12&sort=price&q=garden+chair&lang=en&ref=newsletter-11", "", "", 1},
		{"form-24", "/form", "application/x-www-form-urlencoded", form.String()[1:], 1},
		{"json-400", "/form", "application/json", `{"lines":[` + doc.String()[1:] + `]}`, 1},
		{"get-paranoia-4", "/", "", "", 4},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := open(b, rules.Settings{Paranoia: c.level})
			x := get(c.target, fields...)
			if c.body != "" {
				x = post(c.target, c.mime, fields...)
				x.Request.Length = int64(len(c.body))
				x.Request.Header.Add("Content-Length", fmt.Sprint(len(c.body)))
			}
			b.ReportAllocs()
			for b.Loop() {
				x.WAF = exchange.WAF{}
				in := e.Begin(x)
				_, err := in.RequestHead(time.Time{})
				if err == nil {
					var body io.Reader
					if c.body != "" {
						body = io.NewSectionReader(strings.NewReader(c.body), 0, int64(len(c.body)))
					}
					_, err = in.RequestBody(body, false, time.Time{})
				}
				in.End(&x.WAF)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
