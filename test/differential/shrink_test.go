package differential_test

import (
	"slices"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// shrinkTime is how long one difference may take to shrink.
const shrinkTime = 15 * time.Second

// shrink returns the smallest request that it can find on which the difference called key is still there.
func shrink(p *pair, o *ours, r *request, key string) (*request, []difference) {
	left, end := 600, time.Now().Add(shrinkTime) // requests to try
	differs := func(r *request) []difference {
		if left--; time.Now().After(end) {
			left = 0
		}
		list, _ := p.differences(o, r)
		if slices.ContainsFunc(list, func(d difference) bool { return d.key == key }) {
			return list
		}
		return nil
	}
	best := differs(r)
	if best == nil {
		return r, []difference{{key: key + " is not there again"}}
	}
	for smaller := true; smaller && left > 0; {
		smaller = false
		for _, c := range candidates(r) {
			if left <= 0 {
				break
			}
			if list := differs(c); list != nil {
				r, best, smaller = c, list, true
				break
			}
		}
	}
	return r, best
}

// candidates returns requests that are a little smaller than r, the smallest ones first.
func candidates(r *request) (list []*request) {
	change := func(f func(c *request)) {
		c := r.clone()
		f(c)
		list = append(list, c)
	}
	if r.reply != nil {
		change(func(c *request) { c.reply = nil })
		for _, s := range shorter(r.reply.body) {
			change(func(c *request) { c.reply.body = s })
		}
		for i := range r.reply.header {
			change(func(c *request) { c.reply.header = slices.Delete(c.reply.header, i, i+1) })
		}
	}
	if r.body != "" {
		change(func(c *request) { c.body = "" })
	}
	for i := range r.header {
		change(func(c *request) { c.header = slices.Delete(c.header, i, i+1) })
	}
	for _, s := range shorter(r.target) {
		if strings.HasPrefix(s, "/") {
			change(func(c *request) { c.target = s })
		}
	}
	for _, s := range shorter(r.body) {
		if s != "" {
			change(func(c *request) { c.body = s })
		}
	}
	for i, f := range r.header {
		for _, s := range shorter(f.Value) {
			change(func(c *request) { c.header[i] = exchange.Field{Name: f.Name, Value: s} })
		}
	}
	return list
}

// shorter returns s without a half, a quarter … of it, from anywhere.
func shorter(s string) (list []string) {
	for n := len(s) / 2; n > 0 && len(list) < 40; n /= 2 {
		for at := 0; at+n <= len(s) && len(list) < 40; at += n {
			list = append(list, s[:at]+s[at+n:])
		}
	}
	for i := 0; i < len(s) && i < 40 && len(s) > 40; i++ {
		list = append(list, s[:len(s)-1-i]+s[len(s)-i:])
	}
	return list
}
