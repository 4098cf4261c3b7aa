package application

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
)

// authority is the host that a request names, lower case; port 443 and 80 are left out.
func authority(x *check.Exchange) string {
	if x.Request == nil {
		return ""
	}
	h := strings.ToLower(x.Request.Authority)
	if h == "" {
		h = strings.ToLower(check.Field(x.Request, "Host"))
	}
	return bareHost(h)
}

func bareHost(h string) string {
	return strings.TrimSuffix(strings.TrimSuffix(h, ":443"), ":80")
}

// logged is the line of HTTPERR about this connection with one of these phrases, and its index; -1 without.
func logged(f *check.Flow, phrases ...string) (int, *fact.OriginLog) {
	return f.Logged(func(l *fact.OriginLog) bool { return l.Format == "httperr" && slices.Contains(phrases, l.Phrase) })
}

// byHTTPSys reports whether http.sys itself made the answer, before any site or application pool.
func byHTTPSys(x *check.Exchange) bool {
	return strings.HasPrefix(strings.ToLower(check.Field(x.Response, "Server")), "microsoft-httpapi")
}

// fields of WWW-Authenticate or Authorization by scheme: a token stands behind the name, masked or not.
func scheme(value string) (name string, token bool) {
	name, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	return strings.ToLower(name), strings.TrimSpace(rest) != ""
}

// answered says what an answer was.
func answered(x *check.Exchange) string {
	phrase := ""
	if x.Response != nil && x.Response.Phrase != "" {
		phrase = " (" + x.Response.Phrase + ")"
	}
	return fmt.Sprintf("the origin answers %d%s", x.Status(), phrase)
}
