// Package reason is the published table of two-level codes phase.cause that every failed attempt and every request
// that Lunette ends itself carries.
//
// Input: a fault classified by type, errno or alert number. Output: a [Code], its [Info] for status, metric, header, page and manual.
// Promises: a code is never empty, never guessed from an error's text; numbers that belong to it travel beside it as detail.
// Non-goals: causes that need more than one attempt's evidence (finding).
package reason

// Code is a reason, "phase.cause".
type Code string

// Error is an error with its reason. It is how a fault travels between stages.
type Error struct {
	Code   Code
	Detail string // number or name that belongs to Code: "40 handshake_failure", "2s, timeouts.first_byte"; for the log, see ProxyStatus
	Err    error  // what the library said; for the log, never shown to clients

	// InRequest says that the client's request is at fault, where Code could be an origin's answer as well (http1.bad_chunk).
	InRequest bool
}

// New returns an error that carries code; err may be nil.
func New(code Code, detail string, err error) *Error {
	return &Error{Code: code, Detail: detail, Err: err}
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
