package rules

import (
	"fmt"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// crsDir is where the embedded rule set lies among the files that rules may name.
const crsDir = "@owasp_crs"

// defaultActions is what the Core Rule Set expects; that all phases log makes every match of its rules part of the record.
const defaultActions = `SecDefaultAction "phase:1,log,auditlog,pass"
SecDefaultAction "phase:2,log,auditlog,pass"
SecDefaultAction "phase:3,log,auditlog,pass"
SecDefaultAction "phase:4,log,auditlog,pass"
`

// baseRules is what runs before the Core Rule Set: how bodies are read, and what is refused because it cannot be read.
// The Core Rule Set restricts Expect because of origins that misread it. Ours never see a client's: it is answered here, so
// that it stands no longer in the list, and .NET clients and uploads by curl pass.
// 40000002 says what we do anyway: other engines, to which ours is compared, show rules no body of an answer without it.
// 40000010 to 40000013 are wider than what is done where no rule decides: they look at each Content-Type, but for the first at its beginning only.
// INBOUND_DATA_ERROR says that rules get a part of the body only: then a body that ends in the middle is no fault of the client's.
const baseRules = `SecAction "id:40000001,phase:1,pass,nolog,t:none,setvar:tx.crs_setup_version=4250"
SecAction "id:40000003,phase:1,pass,nolog,t:none,setvar:'tx.restricted_headers_basic=/content-encoding/ /proxy/ /lock-token/ /content-range/ /if/ /x-http-method-override/ /x-http-method/ /x-method-override/ /x-middleware-subrequest/'"
SecAction "id:40000002,phase:3,pass,nolog,t:none,ctl:forceResponseBodyVariable=On"
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/[a-z0-9.-]+[+]xml" "id:200004,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "^application/[a-z0-9.-]+[+]json" "id:200006,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "^application/graphql(?:$|[; ])" "id:40000010,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=GRAPHQL"
SecRule REQUEST_HEADERS:Content-Type "^application/grpc" "id:40000011,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=GRPC"
SecRule REQUEST_HEADERS:Content-Type "^application/grpc[^;]*[+](?:json|thrift)" "id:40000013,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=RAW"
SecRule REQUEST_HEADERS:Content-Type "^application/(?:x-|vnd\.google\.)?protobuf" "id:40000012,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=PROTOBUF"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,t:none,log,deny,status:400,msg:'Request body cannot be parsed',severity:CRITICAL,chain"
SecRule INBOUND_DATA_ERROR "!@eq 1" "t:none"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,t:none,log,deny,status:400,msg:'Multipart request body fails strict checks',severity:CRITICAL,chain"
SecRule INBOUND_DATA_ERROR "!@eq 1" "t:none"
SecRule ARGUMENTS_LIMIT_REACHED "@eq 1" "id:200007,phase:2,t:none,log,deny,status:413,msg:'More arguments than rules look at',severity:CRITICAL"
`

// idTooMany is the rule that refuses requests with more values than rules look at: it cannot be excluded.
const idTooMany = 200007

// kept names the rules that stay whatever rules of the user's say, with what to do instead.
func kept() map[int]string {
	return map[int]string{idTooMany: "raise waf.arguments: what is beyond it no rule looks at"}
}

// corpus is what every program begins with: our own rules, and the Core Rule Set in two parts.
type corpus struct {
	base, first, rest []seclang.Directive
	levels            []seclang.Directive // behind the user's rules
	path              []seclang.Directive // an exclusion by path that takes nothing out
}

// coreRules returns the directives of the embedded Core Rule Set: its initialisation, then the rest.
func coreRules(files seclang.Files) (c corpus, err error) {
	names, err := files.Glob(crsDir + "/*.conf")
	if err != nil {
		return c, fmt.Errorf("read core rule set: %w", err)
	}
	list, faults := seclang.Parse(files, names)
	if len(faults) > 0 {
		return c, placed(faults)
	}
	for _, d := range list {
		if strings.HasPrefix(d.File, crsDir+"/REQUEST-901") {
			c.first = append(c.first, d)
		} else {
			c.rest = append(c.rest, d)
		}
	}
	return c, nil
}

// around is what the rules of a site stand beside. Ids of the Core Rule Set are refused by checkIDs, with or without it, and directives by checkOwned.
func (c *corpus) around(core bool) seclang.Surroundings {
	s := seclang.Surroundings{Refused: map[string]bool{}}
	for _, list := range []map[string]string{owned(), unsupported()} {
		for name := range list {
			s.Refused[name] = true
		}
	}
	if core {
		s.Markers = seclang.SurroundingsOf(c.rest).Markers
	}
	return s
}

// late reports whether d changes rules that must already be there.
func late(d seclang.Directive) bool {
	return strings.HasPrefix(d.Name, "SecRuleRemoveBy") || strings.HasPrefix(d.Name, "SecRuleUpdate")
}

// ids adds the ids of the rules of list to known.
func ids(known map[int]bool, list []seclang.Directive) {
	for _, d := range list {
		if id := d.ID(); id != 0 {
			known[id] = true
		}
	}
}
