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

// IsSQLi reports whether value holds SQL that was injected, and the classes of its tokens. Linear in value.
func IsSQLi(value string) (found bool, fingerprint string) {
	if skipSQLi(value) {
		return false, ""
	}
	return readSQLi(value)
}

// IsXSS reports whether value holds a script that was injected. Linear in value.
func IsXSS(value string) bool { return !skipXSS(value) && libinjection.IsXSS(value) }
