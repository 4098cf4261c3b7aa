package differential_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// program makes rule sets: small ones that use everything that rules can do to one another.
type program struct {
	r    *rand.Rand
	next int // id
}

// randomRules returns a rule set in units: lines that make sense alone.
func randomRules(r *rand.Rand) []string {
	p := &program{r: r, next: 1}
	units := make([]string, 0, 12)
	for range 3 + r.IntN(7) {
		switch p.r.IntN(14) {
		case 0:
			units = append(units, fmt.Sprintf("SecMarker %s", p.marker()))
		case 1:
			units = append(units, p.update())
		case 2:
			p.next++
			units = append(units, fmt.Sprintf(`SecAction "id:%d,%s"`, p.next, p.actions(false)))
		default:
			units = append(units, p.chain())
		}
	}
	return append(units, "SecMarker END-A", "SecMarker END-B", "SecMarker END-C") // one that nobody states is refused
}

func (p *program) pick(all ...string) string { return pick(p.r, all...) }

// maybe returns s, or once in n times nothing of it.
func (p *program) some(n int, s func() string) string {
	if p.r.IntN(n) == 0 {
		return s()
	}
	return ""
}

func (p *program) marker() string { return p.pick("END-A", "END-B", "END-C") }

func (p *program) chain() string {
	p.next++
	links := p.pick("1", "1", "1", "2", "2", "3")[0] - '0'
	var b strings.Builder
	for i := range links {
		if i > 0 {
			b.WriteString("\n  ")
		}
		more := ""
		if i+1 < links {
			more = ",chain"
		}
		head := fmt.Sprintf("id:%d,%s", p.next, p.actions(true))
		if i > 0 {
			head = p.member()
		}
		operator := p.operator()
		if operator[0] != '!' { // see avoided
			head += p.some(3, func() string { return ",capture" })
		}
		fmt.Fprintf(&b, `SecRule %s "%s" "%s%s%s"`, p.targets(), operator, head, p.transformations(), more)
	}
	return b.String()
}

func (p *program) targets() string {
	var list []string
	for range 1 + p.r.IntN(2)*p.r.IntN(3) {
		one := p.target()
		at := slices.Index(list, one) // the same once more stands beside it: Coraza has MATCHED_VARS of one name together
		if at < 0 {
			at = len(list)
		}
		list = slices.Insert(list, at, one)
	}
	for range p.r.IntN(3) * p.r.IntN(2) {
		list = append(list, p.pick("!ARGS:a", "!ARGS:B", "!ARGS:/^x/", "!REQUEST_HEADERS:Host", "!REQUEST_COOKIES:/s/", "!ARGS_GET:a", "!TX:n"))
	}
	return strings.Join(list, "|")
}

func (p *program) target() string {
	return p.pick("ARGS", "ARGS", "ARGS", "ARGS:a", "ARGS:A", "ARGS:/^[ab]$/", "ARGS_GET", "ARGS_GET:b", "ARGS_POST", "ARGS_POST:a", "ARGS_NAMES", "ARGS_GET_NAMES", "ARGS_POST_NAMES",
		"REQUEST_COOKIES", "REQUEST_COOKIES:sid", "REQUEST_COOKIES:/^S/", "REQUEST_COOKIES_NAMES", "REQUEST_HEADERS", "REQUEST_HEADERS:User-Agent", "REQUEST_HEADERS:/x-/", "REQUEST_HEADERS_NAMES",
		"REQUEST_URI", "REQUEST_FILENAME", "REQUEST_BASENAME", "REQUEST_METHOD", "QUERY_STRING", "REQUEST_LINE", "REQUEST_BODY", "REMOTE_ADDR", "REQUEST_PROTOCOL", "REQUEST_URI_RAW",
		"TX:n", "TX:m", "TX:/^[nm]$/", "TX:1", "TX:s", "MATCHED_VAR", "MATCHED_VARS", "MATCHED_VAR_NAME", "MATCHED_VARS_NAMES", "HIGHEST_SEVERITY", "UNIQUE_ID", "ARGS_COMBINED_SIZE",
		"&ARGS", "&ARGS:a", "&ARGS:/^[ab]$/", "&TX:n", "&TX:/^s/", "&REQUEST_HEADERS:X-A", "&REQUEST_COOKIES", "&MATCHED_VARS", "XML:/*", "FILES", "REQBODY_PROCESSOR", "&ARGS_POST", "SERVER_NAME", "RULE:id")
}

func (p *program) operator() string {
	negated := p.pick("", "", "", "", "!")
	return negated + p.pick("@rx .", "@rx ^(.)(.)?", "@rx (?i)foo|bar", "@rx ^[0-9]+$", "@rx (\\w+)=(\\w+)", "@rx a.c", "@rx ^$", "@rx (x)|(o)", "@rx \\bfoo\\b", "@rx ^(?:a|bc)+$", "@rx \\d{2,}", "@rx [^a-z]",
		"@pm foo BAR x", "@pm a 1", "@streq foo", "@streq %{TX.1}", "@streq %{ARGS.a}", "@contains o", "@contains %{TX.n}", "@beginsWith f", "@endsWith o", "@within foo bar 1", "@within %{TX.s}",
		"@eq 1", "@eq %{TX.n}", "@gt 1", "@ge 2", "@lt 2", "@le %{TX.m}", "@unconditionalMatch", "@noMatch", "@validateByteRange 32-126", "@validateUrlEncoding", "@validateUtf8Encoding",
		"@ipMatch 192.0.2.0/24", "@detectSQLi", "@detectXSS", "@strmatch foo", "@rx (?:^|&)a=", "foo")
}

func (p *program) transformations() string {
	var b strings.Builder
	for range p.r.IntN(3) * p.r.IntN(3) {
		b.WriteString(",t:" + p.pick("none", "lowercase", "uppercase", "urlDecodeUni", "urlDecode", "trim", "trimLeft", "trimRight", "removeNulls", "replaceNulls", "compressWhitespace", "removeWhitespace",
			"htmlEntityDecode", "jsDecode", "cssDecode", "base64Decode", "base64DecodeExt", "base64Encode", "hexEncode", "hexDecode", "length", "md5", "sha1", "normalizePath", "normalizePathWin", "replaceComments",
			"removeComments", "removeCommentsChar", "urlEncode", "utf8toUnicode", "cmdLine", "escapeSeqDecode"))
	}
	return b.String()
}

// actions returns the actions of a rule that begins a chain or stands alone.
func (p *program) actions(rule bool) string {
	a := p.pick("phase:1", "phase:2", "phase:2", "phase:2") + p.some(3, func() string { return p.pick(",nolog", ",log", ",noauditlog", ",auditlog") })
	a += "," + p.pick("pass", "pass", "pass", "pass", "pass", "pass", "pass", "pass", "pass", "block", "deny", "deny,status:429", "drop", "allow", "allow:phase", "allow:request", "redirect:'http://x.test/%{TX.n}'")
	a += p.some(4, func() string { return ",msg:'m %{MATCHED_VAR_NAME}'" }) + p.some(4, func() string { return ",logdata:'%{TX.0} %{MATCHED_VAR}'" })
	a += p.some(4, func() string { return ",severity:" + p.pick("CRITICAL", "WARNING", "3", "NOTICE") })
	a += p.some(3, func() string { return ",tag:'" + p.pick("one", "two", "attack-x") + "'" })
	a += p.some(5, func() string { return p.pick(",skip:1", ",skip:2", ",skipAfter:"+p.marker(), ",skipAfter:"+p.marker()) })
	a += p.some(7, p.ctl)
	a += p.sets()
	if rule {
		a += p.some(6, func() string { return ",multiMatch" })
	}
	return a
}

// member returns the actions of a further rule of a chain.
func (p *program) member() string {
	a := "t:none" + p.sets() + p.some(6, func() string { return ",multiMatch" }) + p.some(9, p.ctl)
	return a + p.some(8, func() string { return ",logdata:'%{MATCHED_VAR}'" })
}

func (p *program) sets() string {
	var b strings.Builder
	for range p.r.IntN(2) + p.r.IntN(3)*p.r.IntN(2) {
		b.WriteString(",setvar:'tx." + p.pick("n=1", "n=+1", "n=+2", "neg=-1", "neg=-2", "m=%{tx.k}", "k=+3", "m=+%{TX.n}", "s=foo", "s=%{MATCHED_VAR}", "s=%{tx.s}|%{MATCHED_VAR_NAME}", "s=%{tx.1}", "t_%{MATCHED_VAR_NAME}=1",
			"last=%{rule.id}", "k=%{tx.missing}", "p=+x", "N=5", "u=%{REQUEST_METHOD} %{REMOTE_ADDR}", "sev=%{HIGHEST_SEVERITY}", "c=+%{tx.m}", "s=%{ARGS.a}", "h=%{REQUEST_HEADERS.User-Agent}", "w=%{MATCHED_VARS_NAMES}", "0=x") + "'")
	}
	b.WriteString(p.some(12, func() string { return ",setvar:'!tx." + p.pick("n", "s", "none") + "'" }))
	return b.String()
}

func (p *program) ctl() string {
	id := func() string { return fmt.Sprint(1 + p.r.IntN(p.next+4)) }
	return ",ctl:" + p.pick("ruleRemoveById="+id(), "ruleRemoveById="+fmt.Sprint(p.next)+"-"+fmt.Sprint(p.next+2), "ruleRemoveByTag=one", "ruleRemoveTargetById="+id()+";ARGS:a", "ruleRemoveTargetById="+id()+";ARGS",
		"ruleRemoveTargetById="+id()+";ARGS:/^[ab]/", "ruleRemoveTargetByTag=one;ARGS:a", "ruleRemoveTargetByTag=attack-x;REQUEST_HEADERS:/x-/", "ruleEngine=DetectionOnly", "ruleEngine=Off", "ruleEngine=On",
		"ruleRemoveTargetById="+id()+";REQUEST_COOKIES", "forceRequestBodyVariable=On", "requestBodyAccess=Off", "requestBodyProcessor=JSON", "requestBodyProcessor=XML")
}

// update changes rules before it.
func (p *program) update() string {
	id := 1 + p.r.IntN(p.next+1)
	return p.pick(fmt.Sprintf("SecRuleRemoveById %d", id), "SecRuleRemoveByTag one", fmt.Sprintf(`SecRuleUpdateTargetById %d "!ARGS:a"`, id), fmt.Sprintf(`SecRuleUpdateTargetById %d "!ARGS:/^b/"`, id),
		`SecRuleUpdateTargetByTag two "!ARGS:b"`, fmt.Sprintf(`SecRuleUpdateTargetById %d "ARGS_NAMES"`, id), fmt.Sprintf(`SecRuleUpdateActionById %d "deny,status:418"`, id))
}

// smallRequest returns a request that such rules have something to say to.
func smallRequest(r *rand.Rand, name string) *request {
	value := func() string {
		return pick(r, "foo", "bar", "Foo", "abc", "1", "2", "12", "", "x", "a", "b", "foo%20bar", "%41", "%2541", "a/../b", "+x+", "%00", "%ff", "a=b", "1'or'1'='1", "%3Cscript%3E", "Zm9v", "666f6f", "&amp;lt%3b", "\\x41", "/*x*/y")
	}
	names := func() string { return pick(r, "a", "b", "A", "xx", "n", "a") }
	pairs := func() string {
		var list []string
		for range r.IntN(4) {
			list = append(list, names()+pick(r, "=", "=", "=", "")+value())
		}
		return strings.Join(list, "&")
	}
	q := &request{name: name, method: "GET", target: pick(r, "/", "/foo", "/a/b.php", "/x%20y/")}
	if s := pairs(); s != "" {
		q.target += "?" + s
	}
	q.header.Add("Host", "shop.test")
	q.header.Add("User-Agent", pick(r, "foo/1", "bar", "Mozilla"))
	if r.IntN(2) == 0 {
		q.header.Add(pick(r, "X-A", "x-a", "X-B"), pick(r, "foo", "1", "bar foo"))
	}
	if r.IntN(3) == 0 {
		q.header.Add("Cookie", pick(r, "sid=foo", "sid=1; S2=bar", "sid=foo; sid=bar", "s=%41; x"))
	}
	switch r.IntN(6) {
	case 0, 1:
		q.target, _, _ = strings.Cut(q.target, "?") // one name in both is put together by Coraza
		q.method, q.body = "POST", pairs()
		q.header.Add("Content-Type", "application/x-www-form-urlencoded")
	case 2:
		q.method, q.body = "POST", pick(r, `{"a":"foo","b":[1,2]}`, `{"x":{"y":"bar"}}`, `["a"]`)
		q.header.Add("Content-Type", "application/json")
	case 3:
		q.method, q.body = "POST", pick(r, `<a b="foo">bar</a>`, `<a>1<b>2</b></a>`)
		q.header.Add("Content-Type", "text/xml")
	}
	return q
}

// newRand returns the numbers of one rule set.
func newRand(n uint64) *rand.Rand { return rand.New(rand.NewPCG(*seed, n)) } //nolint:gosec // to be repeated, not to be secret
