package exchange

// Audit is what rules decided about the audit log, and what is kept of an exchange for it alone.
type Audit struct {
	Asked    bool        // a rule that matched says auditlog, as rules do by default
	Engine   AuditEngine // as rules set it with ctl:auditEngine
	Parts    AuditParts  // what rules changed with ctl:auditLogParts
	Unlogged []Match     // of rules that say nolog,auditlog, up to 64
	Files    []File      // of a multipart request body, up to 32

	// The beginnings of bodies as rules saw them, codings removed: not masked. Empty unless policy is told to keep them.
	RequestBody, ResponseBody string
}

// AuditEngine says which exchanges are written into the audit log.
type AuditEngine uint8

// The settings of ctl:auditEngine.
const (
	AuditAsConfigured AuditEngine = iota
	AuditOff
	AuditOn
	AuditRelevant // those in which a rule asks for it
)

// AuditParts is a change of the parts that a record of the audit log has. Parts are bits, A the lowest.
type AuditParts struct {
	Whole      bool // Set is all there shall be; else it comes on top
	Set, Clear uint32
}

// AuditPart returns the bits of letters from A to Z; other bytes have none.
func AuditPart(letters string) (bits uint32) {
	for i := range len(letters) {
		if c := letters[i] - 'A'; c < 26 {
			bits |= 1 << c
		}
	}
	return bits
}

// Change adds a change as ctl:auditLogParts states it: letters in upper case, after + or - where they come on top or go.
func (p *AuditParts) Change(text string) {
	bits := AuditPart(text)
	switch {
	case text == "":
	case text[0] == '+':
		p.Set, p.Clear = p.Set|bits, p.Clear&^bits
	case text[0] == '-':
		p.Set, p.Clear = p.Set&^bits, p.Clear|bits
	default:
		*p = AuditParts{Whole: true, Set: bits}
	}
}

// Apply returns the parts that there are where configured ones are these.
func (p AuditParts) Apply(configured uint32) uint32 {
	if p.Whole {
		configured = 0
	}
	return (configured | p.Set) &^ p.Clear
}

// File is an uploaded file.
type File struct {
	Name string // as the client says, at most 200 bytes
	Type string // its Content-Type, at most 200 bytes
	Size int64  // bytes
}
