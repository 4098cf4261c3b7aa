package transaction

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/compile"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// maxFiles is how many uploaded files are kept for the audit log.
const maxFiles = 32

// forAudit notes that r, of which a value or a whole chain matched, is one for the audit log alone. Rules that log are in the record anyway.
func forAudit(r *compile.Rule) bool { return r.Audit && !r.Log }

// keepAudit notes that r matched.
func (w *work) keepAudit(r *compile.Rule) {
	a := &w.record.audit
	if !r.Audit {
		return
	}
	a.Asked = true
	if !r.Log && len(a.Unlogged) < maxDetailed {
		a.Unlogged = w.addMatches(a.Unlogged, r)
	}
}

// ctlAudit does what ctl:auditEngine and ctl:auditLogParts say.
func (w *work) ctlAudit(c *compile.Ctl) {
	a := &w.record.audit
	if c.Option == seclang.CtlAuditLogParts {
		a.Parts.Change(c.Value)
		return
	}
	switch c.Mode {
	case seclang.ModeOff:
		a.Engine = exchange.AuditOff
	case seclang.ModeOn:
		a.Engine = exchange.AuditOn
	case seclang.ModeRelevantOnly:
		a.Engine = exchange.AuditRelevant
	}
}

// reportAudit writes into out what is for the audit log.
func (w *work) reportAudit(out *exchange.WAF) {
	out.Audit = w.record.audit
	for i := range w.body.Files {
		f := &w.body.Files[i]
		if f.Alternative {
			continue
		}
		if len(out.Audit.Files) == maxFiles {
			break
		}
		out.Audit.Files = append(out.Audit.Files, exchange.File{
			Name: bounded(f.Name, maxMessage), Type: bounded(w.typeOfPart(f.Field), maxMessage), Size: int64(len(f.Content)),
		})
	}
}

// typeOfPart returns the Content-Type of the part of a multipart body that has this name, "" without.
func (w *work) typeOfPart(name string) string {
	for _, h := range w.body.PartHeaders {
		if h.Name != name {
			continue
		}
		if field, value, ok := strings.Cut(h.Value, ":"); ok && strings.EqualFold(strings.TrimSpace(field), "Content-Type") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
