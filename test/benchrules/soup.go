//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"

	"github.com/lunette-waf/lunette/test/soup"
)

// shape puts n bytes of soup into a request.
type shape struct {
	name string
	make func(r *rand.Rand, list []string, n int) message
}

// message is a request to inspect.
type message struct {
	query, mime, body string
	fields            []string // names and values in turn
}

func shapes() []shape {
	return []shape{
		{"one value of a form", func(r *rand.Rand, list []string, n int) message {
			return message{mime: "application/x-www-form-urlencoded", body: "q=" + url.QueryEscape(soup.Of(r, list, n))}
		}},
		{"one value of the query", func(r *rand.Rand, list []string, n int) message {
			return message{query: "q=" + url.QueryEscape(soup.Of(r, list, n))}
		}},
		{"400 values", func(r *rand.Rand, list []string, n int) message {
			var b strings.Builder
			for i := range 400 {
				fmt.Fprintf(&b, "&f%d=%s", i, url.QueryEscape(soup.Of(r, list, n/400)))
			}
			return message{mime: "application/x-www-form-urlencoded", body: b.String()[1:]}
		}},
		{"JSON of 400 values", func(r *rand.Rand, list []string, n int) message {
			var b strings.Builder
			for i := range 400 {
				fmt.Fprintf(&b, ",%q:%q", fmt.Sprint("f", i), printable(soup.Of(r, list, n/400)))
			}
			return message{mime: "application/json", body: "{" + b.String()[1:] + "}"}
		}},
		{"one value of JSON", func(r *rand.Rand, list []string, n int) message {
			return message{mime: "application/json", body: fmt.Sprintf("{\"a\":%q}", printable(soup.Of(r, list, n)))}
		}},
		{"20 fields and 20 cookies", func(r *rand.Rand, list []string, n int) message {
			m := message{}
			var c strings.Builder
			for i := range 20 {
				m.fields = append(m.fields, fmt.Sprint("X-F", i), oneLine(soup.Of(r, list, n/40)))
				fmt.Fprintf(&c, "; c%d=%s", i, strings.ReplaceAll(oneLine(soup.Of(r, list, n/40)), ";", ","))
			}
			m.fields = append(m.fields, "Cookie", c.String()[2:], "Referer", "https://shop.test/"+oneLine(soup.Of(r, list, 200)))
			return m
		}},
	}
}

// printable leaves what Go's %q and JSON write alike.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
}

func oneLine(s string) string { return printable(s) }
