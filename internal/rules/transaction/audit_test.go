package transaction_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/transaction"
)

func TestAudit(t *testing.T) {
	part := exchange.AuditPart
	for _, c := range []struct {
		name, rules string
		want        exchange.Audit
		logged      []int // ids of matches
	}{
		{"nothing matches", `SecRule ARGS:a "@streq 2" "id:1,phase:1"`, exchange.Audit{}, nil},
		{"by default", `SecRule ARGS:a "@streq 1" "id:1,phase:1"`, exchange.Audit{Asked: true}, []int{1}},
		{"noauditlog", `SecRule ARGS:a "@streq 1" "id:1,phase:1,noauditlog"`, exchange.Audit{}, []int{1}},
		{"nolog", `SecRule ARGS:a "@streq 1" "id:1,phase:1,nolog"`, exchange.Audit{}, nil},
		{"a chain that does not match", `SecRule ARGS:a "@streq 1" "id:1,phase:1,chain"` + "\n" + `SecRule ARGS:b "@streq 2" ""`, exchange.Audit{}, nil},
		{"off", `SecRule ARGS:a "@streq 1" "id:1,phase:1,ctl:auditEngine=Off"`, exchange.Audit{Asked: true, Engine: exchange.AuditOff}, []int{1}},
		{"on, of a rule that is silent", `SecAction "id:1,phase:1,nolog,ctl:auditEngine=On"`, exchange.Audit{Engine: exchange.AuditOn}, nil},
		{"the last one counts", `SecAction "id:1,phase:1,nolog,ctl:auditEngine=On"` + "\n" + `SecAction "id:2,phase:5,nolog,ctl:auditEngine=RelevantOnly"`,
			exchange.Audit{Engine: exchange.AuditRelevant}, nil},
		{"parts", `SecAction "id:1,phase:1,nolog,ctl:auditLogParts=+E,ctl:auditLogParts=-BF,ctl:auditLogParts=+b"`,
			exchange.Audit{Parts: exchange.AuditParts{Set: part("BE"), Clear: part("F")}}, nil},
		{"whole parts", `SecAction "id:1,phase:1,nolog,ctl:auditLogParts=+E,ctl:auditLogParts=ABZ"`,
			exchange.Audit{Parts: exchange.AuditParts{Whole: true, Set: part("ABZ")}}, nil},
	} {
		o := run(open(t, c.rules, transaction.Config{}), get("/?a=1"), "")
		var ids []int
		for _, m := range o.waf.Matches {
			ids = append(ids, m.ID)
		}
		if d := cmp.Diff(c.want, o.waf.Audit); d != "" || cmp.Diff(c.logged, ids) != "" {
			t.Errorf("%s: %v, want %v, and -want +got:\n%s", c.name, ids, c.logged, d)
		}
	}
}

// A rule that says nolog,auditlog stands in the audit log alone.
func TestAuditUnlogged(t *testing.T) {
	e := open(t, `SecRule ARGS "@contains x" "id:7,phase:1,nolog,auditlog,msg:'seen %{MATCHED_VAR_NAME}',logdata:'%{MATCHED_VAR}',severity:NOTICE,rev:3,ver:own/1,maturity:4,accuracy:5,tag:mine"`,
		transaction.Config{})
	o := run(e, get("/?a=1&b=xyz"), "")
	want := []exchange.Match{{
		ID: 7, Message: "seen ARGS:b", Severity: "notice", Target: "ARGS:b", Part: "xyz", Data: "xyz", Tags: []string{"mine"},
		File: "test.conf", Line: 6, Rev: "3", Ver: "own/1", Maturity: 4, Accuracy: 5,
	}}
	if d := cmp.Diff(want, o.waf.Audit.Unlogged); d != "" || len(o.waf.Matches) > 0 || len(o.waf.Rules) > 0 || !o.waf.Audit.Asked {
		t.Errorf("%+v -want +got:\n%s", o.waf, d)
	}
	if o = run(e, get("/?a=1"), ""); o.waf.Audit.Asked || o.waf.Audit.Unlogged != nil {
		t.Errorf("of an earlier exchange: %+v", o.waf.Audit)
	}
}

func TestAuditFiles(t *testing.T) {
	e := open(t, `SecAction "id:1,phase:1,nolog,ctl:requestBodyProcessor=MULTIPART"`, transaction.Config{})
	part := func(head, text string) string {
		return "--B\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + text + "\r\n"
	}
	body := part(`name="a"`, "1") + part("name=\"f\"; filename=\"é.txt\"\r\nContent-Type: text/plain", "12345") +
		strings.Repeat(part(`name="g"; filename="g"`, ""), 40) + "--B--\r\n"
	o := run(e, post("/", "multipart/form-data; boundary=B"), body)
	files := o.waf.Audit.Files
	if len(files) != 32 || files[0] != (exchange.File{Name: "é.txt", Type: "text/plain", Size: 5}) || files[1] != (exchange.File{Name: "g"}) {
		t.Errorf("%d files, %+v", len(files), files)
	}
}
