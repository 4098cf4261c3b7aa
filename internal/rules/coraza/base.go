package coraza

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3/types/variables"

	"github.com/lunette-waf/lunette/internal/reason"
)

// crsDir is where the embedded rule set lies in the engine's file system.
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
// TX:lunette_detect is set by us per transaction. INBOUND_DATA_ERROR says that we hand over a part of the body only: then
// a body that ends in the middle is no fault of the client's.
const baseRules = defaultActions + `SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess On
SecRequestBodyLimit 1073741824
SecRequestBodyInMemoryLimit 1073741824
SecRequestBodyLimitAction ProcessPartial
SecRequestBodyJsonDepthLimit 256
SecResponseBodyLimit 1073741824
SecResponseBodyLimitAction ProcessPartial
SecAuditEngine Off
SecAction "id:40000001,phase:1,pass,nolog,t:none,setvar:tx.crs_setup_version=4250"
SecAction "id:40000003,phase:1,pass,nolog,t:none,setvar:'tx.restricted_headers_basic=/content-encoding/ /proxy/ /lock-token/ /content-range/ /if/ /x-http-method-override/ /x-http-method/ /x-method-override/ /x-middleware-subrequest/'"
SecRule TX:lunette_detect "@eq 1" "id:40000000,phase:1,pass,nolog,t:none,ctl:ruleEngine=DetectionOnly"
SecAction "id:40000002,phase:3,pass,nolog,t:none,ctl:forceResponseBodyVariable=On"
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/[a-z0-9.-]+[+]xml" "id:200004,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "^application/[a-z0-9.-]+[+]json" "id:200006,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,t:none,log,deny,status:400,msg:'Request body cannot be parsed',severity:CRITICAL,chain"
SecRule INBOUND_DATA_ERROR "!@eq 1" "t:none"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,t:none,log,deny,status:400,msg:'Multipart request body fails strict checks',severity:CRITICAL,chain"
SecRule INBOUND_DATA_ERROR "!@eq 1" "t:none"
SecRule ARGUMENTS_LIMIT_REACHED "@eq 1" "id:200007,phase:2,t:none,log,deny,status:413,msg:'More arguments than rules look at',severity:CRITICAL"
`

// Rules whose match means that a request could not be read, not that it is an attack.
const (
	idUnparsable = 200002
	idMultipart  = 200003
	idTooMany    = 200007
)

// why returns the reason of an interruption by rule id; blocked is that of every other rule.
func (e *Engine) why(id int, blocked reason.Code) *reason.Error {
	switch id {
	case idUnparsable, idMultipart:
		return reason.New(reason.WAFParseError, "rule "+strconv.Itoa(id), nil)
	case idTooMany:
		return reason.New(reason.LimitTooManyArgs, "rules look at "+strconv.Itoa(e.arguments)+" values", nil)
	}
	return reason.New(blocked, "rule "+strconv.Itoa(id), nil)
}

// coreRules returns the directives of the embedded Core Rule Set: its initialisation, then the rest.
func coreRules() (first, rest []directive, err error) {
	entries, err := fs.ReadDir(coreruleset.FS, crsDir)
	if err != nil {
		return nil, nil, fmt.Errorf("read core rule set: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".conf") {
			continue
		}
		name := crsDir + "/" + e.Name()
		b, err := fs.ReadFile(coreruleset.FS, name)
		if err != nil {
			return nil, nil, fmt.Errorf("read core rule set: %w", err)
		}
		list, faults := split(name, string(b))
		if len(faults) > 0 {
			return nil, nil, &LoadError{faults}
		}
		if strings.HasPrefix(e.Name(), "REQUEST-901") {
			first = append(first, list...)
		} else {
			rest = append(rest, list...)
		}
	}
	return first, rest, nil
}

// late reports whether d changes rules that must already be there.
func (d directive) late() bool {
	n := d.name()
	return strings.HasPrefix(n, "secruleremoveby") || strings.HasPrefix(n, "secruleupdate")
}

func isVariable(name string) bool {
	_, err := variables.Parse(strings.ToUpper(name))
	return err == nil
}

// ruleInfo is what explaining a match needs and the engine does not tell.
type ruleInfo struct {
	kind     string // critical, error, warning, notice: the class of points; "" when it scores nothing
	link     int    // link of the chain that scores
	outbound bool
}

// describe reads ids and points from the rules.
func describe(list []directive) map[int]ruleInfo {
	out := make(map[int]ruleInfo, len(list))
	id, link, more := 0, 0, false
	for _, d := range list {
		n := d.name()
		if n != "secrule" && n != "secaction" {
			continue
		}
		if more {
			link++
		} else {
			id, link = d.ruleID(), 0
			if id != 0 {
				out[id] = ruleInfo{}
			}
		}
		more = false
		for _, a := range actions(d.text) {
			if a == "chain" {
				more = true
			}
			if kind, outbound, ok := points(a); ok && id != 0 {
				out[id] = ruleInfo{kind: kind, link: link, outbound: outbound}
			}
		}
	}
	return out
}

// points reads an action such as setvar:'tx.inbound_anomaly_score_pl1=+%{tx.critical_anomaly_score}'.
func points(action string) (kind string, outbound, ok bool) {
	v, ok := strings.CutPrefix(action, "setvar:")
	if !ok {
		return "", false, false
	}
	name, value, ok := strings.Cut(strings.Trim(v, "'"), "=+")
	name = strings.ToLower(name)
	if !ok || !strings.Contains(name, "bound_anomaly_score_pl") {
		return "", false, false
	}
	value = strings.ToLower(value)
	value = strings.TrimSuffix(strings.TrimPrefix(value, "%{tx."), "_anomaly_score}")
	return value, strings.HasPrefix(name, "tx.outbound"), true
}
