package smuggling_test

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/test/wiretable"
)

// verdict is what becomes of a row in the whole gateway, where that is more than the parser says.
type verdict struct {
	row    string
	policy string // "" for every policy
	status int    // 0: no answer
	reason string // "": forwarded
	why    string // for docs/forwarding.md
}

// verdicts are the rows whose message parses and is refused nevertheless, or that gets another reason on its way.
func verdicts() []verdict {
	const (
		method = "`methods` of the site does not let it through"
		path   = "`path: strict`: "
	)
	return []verdict{
		{"TLS on a plain port", "", 0, "client.tls_on_plain", "HTTP is not its language: no answer"},
		{"method of an extension", "", 405, "client.bad_request", method},
		{"method in lower case is another method", "", 405, "client.bad_request", method},
		{"method with every mark of a token", "", 405, "client.bad_request", method},
		{"CONNECT", "", 501, "client.bad_request", "a tunnel would lead past the rules"},
		{"CONNECT to IPv6", "", 501, "client.bad_request", "a tunnel would lead past the rules"},
		{"escapes stay", "", 400, "client.path_refused", "an encoded NUL ends the path for some origins"},
		{"Connection names Cookie", "", 400, "http1.bad_header", "Connection may drop hop-by-hop fields only (RFC 9110 7.6.1)"},
		{"dots stay", "strict", 400, "client.path_refused", path + "dot segments"},
		{"marks that RFC 3986 does not know stay for the site's path policy", "strict", 400, "client.path_refused", path + "backslash, path parameters"},
		{"two slashes are a path", "strict", 400, "client.path_refused", path + "an empty first segment"},
		{"URI in the path", "strict", 400, "client.path_refused", path + "a colon that Windows reads as a stream"},
	}
}

// expected is what the gateway must make of a row; its reason is "" where the row is forwarded.
func expected(c *wiretable.Case, policy string) verdict {
	for _, v := range verdicts() {
		if v.row == c.Name && strings.HasPrefix(policy, v.policy) {
			return v
		}
	}
	v := verdict{row: c.Name, reason: c.Refuse}
	switch code := reason.Code(c.Refuse); {
	case code == "" || code == reason.ClientGone:
	case code == reason.HTTP1HeaderTooBig && c.RFC == "RFC 9112 3":
		v.status = 414 // the request line itself
	default:
		v.status = reason.Lookup(code).StatusFor(true)
	}
	return v
}
