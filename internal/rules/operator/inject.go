package operator

import libinjection "github.com/corazawaf/libinjection-go"

// detectSQLi is @detectSQLi. It captures the fingerprint.
type detectSQLi struct{}

func (detectSQLi) Match(value string, captured *[]string) bool {
	found, fingerprint := IsSQLi(value)
	if found {
		capture(captured, fingerprint)
	}
	return found
}

// IsSQLi reports whether value holds SQL that was injected, and the classes of its tokens.
func IsSQLi(value string) (found bool, fingerprint string) { return libinjection.IsSQLi(value) }

// IsXSS reports whether value holds a script that was injected.
func IsXSS(value string) bool { return libinjection.IsXSS(value) }
