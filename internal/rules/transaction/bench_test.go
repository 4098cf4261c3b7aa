package transaction_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

// sample is one of the requests that costs are told of.
type sample struct {
	name string
	x    *exchange.Exchange
	body string
}

func samples() []sample {
	browser := []string{
		"Accept-Language", "en-US,en;q=0.9,de;q=0.8", "Accept-Encoding", "gzip, deflate, br", "Connection", "keep-alive",
		"Cookie", "session=4f2a9c7be01d; theme=dark; lang=en", "Referer", "https://shop.test/start",
	}
	var form, leaves strings.Builder
	for i := range 24 {
		fmt.Fprintf(&form, "&field_%d=some+value+of+a+form+%d", i, i*37)
	}
	for i := range 100 {
		fmt.Fprintf(&leaves, `,{"id":%d,"name":"Article number %d","price":%d.95,"code":"AB-%d"}`, i, i, i*3, 7000+i)
	}
	json := `{"items":[` + leaves.String()[1:] + `]}`
	body := form.String()[1:]
	post := func(kind, body string) *exchange.Exchange {
		return post("/api/orders", kind, append(browser, "Content-Length", strconv.Itoa(len(body)))...)
	}
	return []sample{
		{"get", get("/index.html", browser...), ""},
		{"args", get("/search?q=red+shoes&page=2&sort=price&size=42&color=dark%20blue", browser...), ""},
		{"form", post("application/x-www-form-urlencoded", body), body},
		{"json", post("application/json", json), json},
	}
}

// inspect takes x through the steps of a request.
func inspect(e *transaction.Engine, x *exchange.Exchange, body *strings.Reader) (*exchange.Response, error) {
	in := e.Begin(x)
	defer in.End(&x.WAF)
	if a, err := in.RequestHead(time.Time{}); err != nil {
		return a, err
	}
	if body == nil {
		return in.RequestBody(nil, false, time.Time{})
	}
	return in.RequestBody(body, false, time.Time{})
}

func BenchmarkInspection(b *testing.B) {
	for _, level := range []int{1, 4} {
		e := openCRS(b, level, 100000)
		for _, s := range samples() {
			b.Run(fmt.Sprintf("pl%d/%s", level, s.name), func(b *testing.B) {
				b.ReportAllocs()
				start := processorTime()
				for b.Loop() {
					s.x.WAF = exchange.WAF{}
					var r *strings.Reader
					if s.body != "" {
						r = strings.NewReader(s.body)
					}
					if _, err := inspect(e, s.x, r); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(processorTime()-start)/float64(b.N)/1000, "cpu-µs/op")
				if len(s.x.WAF.Rules) > 0 && level == 1 {
					b.Errorf("rules matched: %v", s.x.WAF.Rules)
				}
			})
		}
	}
}

func BenchmarkCoraza(b *testing.B) {
	waf := newOracle(b, crsText(1, 100000))
	for _, s := range samples() {
		b.Run("pl1/"+s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask(waf, s.x, s.body)
			}
		})
	}
}

// soup is n bytes of words that attacks are made of, another one for each seed.
func soup(n int, seed uint64) string {
	words := strings.Fields(`' " or 1=1 union select from where sleep( benchmark( -- # /* */ <script> </script> onerror= javascript: alert( eval( system( exec(
		../ ..\ /etc/passwd /bin/sh ;cat |id $(whoami) ${jndi:ldap:// %00 %252e \x41 \u0041 &lt; &#x3c; php:// file:// http://127.0.0.1 base64_decode
		<?php __proto__ constructor process.env require( child_process Runtime.getRuntime ProcessBuilder powershell cmd.exe wget curl nc -e python perl
		HTTP/1.1 Set-Cookie: Content-Type: \r\n order by having group_concat( information_schema xp_cmdshell waitfor delay <img src=x onload= style= expression(`)
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteByte(" \t+;"[r.IntN(4)])
	}
	return b.String()[:n]
}

func BenchmarkSoup(b *testing.B) {
	var one, many [256]string
	for i := range one {
		one[i] = "q=" + url.QueryEscape(soup(10<<10, uint64(i)))
		var body strings.Builder
		for j := range 400 {
			fmt.Fprintf(&body, "&q%d=%s", j, url.QueryEscape(soup(25, uint64(i*1000+j)))) //nolint:gosec // a seed
		}
		many[i] = body.String()[1:]
	}
	for _, level := range []int{1, 4} {
		e := openCRS(b, level, 1<<40)
		for name, bodies := range map[string]*[256]string{"value": &one, "values": &many} {
			b.Run(fmt.Sprintf("pl%d/%s", level, name), func(b *testing.B) {
				i := 0
				start := processorTime()
				for b.Loop() {
					i++
					if _, err := inspect(e, post("/", "application/x-www-form-urlencoded"), strings.NewReader(bodies[i%len(bodies)])); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(processorTime()-start)/float64(b.N)/1000, "cpu-µs/op")
			})
		}
	}
}
