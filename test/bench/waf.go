package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4"
)

// titleBars is the table that the bars of the rules engine are held against.
const titleBars = "CPU µs per request with the Core Rule Set, blocking, paranoia 1 (4 where it says so)"

// wafStarters lists the systems with rules, and Lunette without.
func wafStarters(lunette, base string) []starter {
	out := []starter{
		{"lunette", startLunette(lunette, "off", 1)},
		{"lunette+waf", startLunette(lunette, "block", 1)},
		{"lunette+waf4", startLunette(lunette, "block", 4)},
		{"nginx+modsecurity", startModSecurity},
		{"reverseproxy+coraza", startCoraza},
	}
	if base != "" {
		out = append(out, starter{"base+waf", startLunette(base, "block", 1)}, starter{"base+waf4", startLunette(base, "block", 4)})
	}
	return out
}

// wafLoads are the requests that rules are measured with.
func wafLoads(r *rig) []load {
	return []load{
		{Name: "get", path: "/", script: r.file("get.lua")},
		{Name: "get 5 args", path: "/?page=12&sort=price&q=garden+chair&lang=en&ref=newsletter-11", script: r.file("get.lua")},
		{Name: "form 24", path: "/form", script: r.file("wafform.lua")},
		{Name: "json 400", path: "/form", script: r.file("json.lua")},
	}
}

// waf measures CPU time per request with rules, the systems alternating in each round.
func (o *options) waf(ctx context.Context, r *rig, systems []*system, rep *report) error {
	for round := range o.rounds {
		for _, l := range wafLoads(r) {
			if !wants(o.loads, l.Name) {
				continue
			}
			for _, s := range systems {
				if strings.HasSuffix(s.Name, "4") && l.Name != "get" {
					continue // paranoia 4 takes a space in an argument for an attack
				}
				url := "http://" + s.plain
				if round == 0 {
					if _, err := drive(ctx, s.p, url, site, l, o.conns, o.length); err != nil {
						return err
					}
				}
				got, err := drive(ctx, s.p, url, site, l, o.conns, o.length)
				if err != nil {
					return err
				}
				rep.put(titleBars, s.Name, l.Name, got.micros())
				rep.put(titleRate, s.Name, l.Name, got.rate())
			}
		}
		fmt.Fprintf(os.Stderr, "waf: round %d of %d\n", round+1, o.rounds)
	}
	return nil
}

// browser is the header of an ordinary request, as Lua.
const browser = `wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
wrk.headers["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
wrk.headers["Accept-Language"] = "en-US,en;q=0.5"
wrk.headers["Accept-Encoding"] = "gzip, deflate"
`

func wafScripts(r *rig) error {
	post := func(mime, body string) string {
		return browser + fmt.Sprintf("wrk.method = \"POST\"\nwrk.body = %q\nwrk.headers[\"Content-Type\"] = %q\n", body, mime)
	}
	for name, text := range map[string]string{
		"get.lua": browser, "wafform.lua": post("application/x-www-form-urlencoded", form()), "json.lua": post("application/json", document()),
	} {
		if err := os.WriteFile(r.file(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// document is an ordinary JSON body of 10 KB and 400 leaves: an order of 100 lines.
func document() string {
	var b strings.Builder
	b.WriteString(`{"lines":[`)
	for i := range 100 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"article":"A-%05d","name":"Garden chair no %d, oak, with cushion","count":%d,"price":%d.%02d}`, 10000+i*37, i, i%7+1, i*3+9, i)
	}
	b.WriteString(`]}`)
	return b.String()
}

// ruleFiles writes the embedded Core Rule Set where libmodsecurity can read it, and returns the folder. Its parser takes the line
// behind a rule without actions for those.
func (r *rig) ruleFiles() (string, error) {
	const from = "@owasp_crs"
	dir := r.file("crs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return dir, err
	}
	entries, err := fs.ReadDir(coreruleset.FS, from)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		b, err := fs.ReadFile(coreruleset.FS, from+"/"+e.Name())
		if err != nil {
			return "", err
		}
		b = bytes.ReplaceAll(b, []byte("SecRule TX:EARLY_BLOCKING \"@eq 1\"\n"), []byte("SecRule TX:EARLY_BLOCKING \"@eq 1\" \"t:none\"\n"))
		if err := os.WriteFile(filepath.Join(dir, e.Name()), b, 0o600); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// setup is what stands before the rules in every system that is not Lunette.
const setup = `SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess Off
SecRequestBodyLimit 13107200
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecDefaultAction "phase:1,log,auditlog,pass"
SecDefaultAction "phase:2,log,auditlog,pass"
SecAuditEngine Off
SecAction "id:900990,phase:1,pass,t:none,nolog,setvar:tx.crs_setup_version=4250"
`

// startModSecurity starts nginx with libmodsecurity.
func startModSecurity(ctx context.Context, r *rig, s *system) error {
	module := "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so"
	if _, err := os.Stat(module); err != nil {
		return fmt.Errorf("%s: %w", module, errMissing)
	}
	dir, err := r.ruleFiles()
	if err != nil {
		return err
	}
	rules := r.file("modsecurity.rules")
	if err := os.WriteFile(rules, []byte(setup+"Include "+filepath.Join(dir, "*.conf")+"\n"), 0o600); err != nil {
		return err
	}
	conf := fmt.Sprintf("load_module %[8]s;\n"+nginxHead+`  upstream origin { server %[2]s; keepalive 64; keepalive_requests 10000000; }
  server {
    listen %[3]s; modsecurity on; modsecurity_rules_file %[9]s; client_body_buffer_size 64k; client_max_body_size 16m;
    location / {
      proxy_pass https://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_ssl_protocols TLSv1.3; proxy_ssl_server_name on; proxy_ssl_name %[7]s; proxy_ssl_verify on; proxy_ssl_trusted_certificate %[5]s;
    }
  }
}
`, "modsecurity", r.origin, s.plain, s.tls, r.cert, r.key, site, module, rules)
	s.p, err = r.nginx(ctx, "modsecurity", conf, s.plain)
	return err
}

// startCoraza runs this program again, as httputil.ReverseProxy behind Coraza's own middleware.
func startCoraza(ctx context.Context, r *rig, s *system) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s.p, err = start(ctx, r.dir, s.Name, []string{s.plain, s.tls}, self, "-reverseproxy", "-coraza", "-listen", s.plain, "-listen-tls", s.tls,
		"-origin", r.origin, "-cert", r.cert, "-key", r.key)
	return err
}
