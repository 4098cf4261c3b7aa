package check

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// httpsysPages are the lengths of the pages with which http.sys refuses requests, which no setting changes, and the reason phrases of
// HTTPERR that go with them.
var httpsysPages = [...]struct {
	status int
	length int64
	phrase string
}{
	{400, 334, "Hostname"}, {400, 346, "RequestLength"}, {400, 342, "FieldLength"}, {400, 324, "URL"}, {400, 326, "Verb"}, {400, 339, "Header"},
	{400, 311, "BadRequest"}, {411, 344, "LengthRequired"},
}

// HTTPSysPhrase is why http.sys refused a request, by the length of its page; "" where that is not known, or another made the answer.
func HTTPSysPhrase(h *fact.HTTPHead) string {
	if !strings.HasPrefix(strings.ToLower(Field(h, "Server")), "microsoft-httpapi") {
		return ""
	}
	for _, p := range httpsysPages {
		if p.status == h.Status && p.length == h.Length {
			return p.phrase
		}
	}
	return ""
}
