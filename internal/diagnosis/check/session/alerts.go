package session

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// Alert numbers (RFC 5246 section 7.2, RFC 8446 section 6).
const (
	alertCloseNotify       = 0
	alertUnexpectedMessage = 10
	alertBadRecordMAC      = 20
	alertHandshakeFailure  = 40
	alertNoCertificate     = 41
	alertBadCertificate    = 42
	alertUnknownCA         = 48
	alertAccessDenied      = 49
	alertDecodeError       = 50
	alertDecryptError      = 51
	alertUserCanceled      = 90
	alertNoRenegotiation   = 100
	alertCertRequired      = 116
)

// fatal reports whether x is an alert that ends its connection; facts of live traffic may lack the level.
func fatal(x *fact.Fact) bool {
	switch {
	case x.Kind != fact.TLSAlert || x.Code == alertCloseNotify:
		return false
	case x.Code == alertUserCanceled || x.Code == alertNoRenegotiation: // warnings, unless their level says otherwise
		return x.Size == 2
	}
	return x.Size != 1
}

// fatalAfter is the first fatal alert of side s after index i, -1 without.
func fatalAfter(f *check.Flow, s fact.Side, i int) int {
	return f.Find(i, func(x *fact.Fact) bool { return x.Side == s && fatal(x) })
}

// alertWords name an alert: "alert 40 (handshake_failure)".
func alertWords(x *fact.Fact) string {
	if x.Text == "" {
		return "alert " + strconv.Itoa(x.Code)
	}
	return "alert " + strconv.Itoa(x.Code) + " (" + x.Text + ")"
}

// aboutCertificate reports whether an alert is about the certificate of the end that receives it (RFC 5246 section 7.2.2).
func aboutCertificate(code int) bool {
	return code >= alertBadCertificate && code <= 46 || code == alertUnknownCA || code == alertAccessDenied
}

// logged is the index of the first line of the origin's log about f with one of the phrases: codes of Apache's own error log, phrases of
// HTTPERR; -1 without. The words of a message do not count: paths, and what applications say, stand in them.
func logged(f *check.Flow, phrases ...string) int {
	i, _ := f.Logged(func(l *fact.OriginLog) bool {
		from := "httperr"
		if strings.HasPrefix(l.Phrase, "AH") {
			from = "apache_error"
		}
		return l.Format == from && slices.Contains(phrases, l.Phrase)
	})
	return i
}

// byLog makes v, for which the line at index i of the origin's log stands alone, as sure as that line is.
func byLog(f *check.Flow, i int, v *check.Verdict) *check.Verdict {
	v.Confidence, v.Settle = f.ByLog(i)
	return v
}

// believe makes v, which more speaks for than the line at index i of the origin's log, certain where that line is surely about f.
func believe(f *check.Flow, v *check.Verdict, i int) {
	if sure, _ := f.ByLog(i); sure == finding.Certain {
		v.Confidence, v.Settle = sure, ""
	}
}

// logWords are a line of the origin's log, as a proof tells it.
func logWords(x *fact.Fact) string {
	l, ok := x.Detail.(*fact.OriginLog)
	if !ok {
		return "the origin logged " + x.Text
	}
	out := "the origin's log says " + x.Text
	if l.Status > 0 && l.Substatus > 0 {
		out = "the origin's log says " + strconv.Itoa(l.Status) + "." + strconv.Itoa(l.Substatus)
	}
	if l.File != "" {
		out += " (" + l.File + ":" + strconv.Itoa(l.Line) + ")"
	}
	return out
}
