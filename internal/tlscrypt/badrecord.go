package tlscrypt

import "errors"

// ErrBadRecord says that a record does not open under its keys: altered, out of order, or sealed with others.
// Every [BadRecord] is one (errors.Is).
var ErrBadRecord = errors.New("open record: it does not authenticate")

// BadRecord is the check that failed.
type BadRecord uint8

// The checks, in the order in which they are made.
const (
	BadLength  BadRecord = iota + 1 // too short, no whole number of blocks, or more than a record may hold
	BadChain                        // the block that it is chained to was lost: see [Half.OpenLossy]
	BadPadding                      // CBC: what a wrong key gives, mostly
	BadMAC                          // the padding was fine, so that the key is most likely right and the number or the bytes are not
	BadTag                          // AEAD: wrong key, number or bytes
	BadInner                        // TLS 1.3: authentic and without a content type (RFC 8446 section 5.4)
)

// String is the check in a word: "length", "chain", "padding", "mac", "tag", "inner_type".
func (b BadRecord) String() string {
	switch b {
	case BadLength:
		return "length"
	case BadChain:
		return "chain"
	case BadPadding:
		return "padding"
	case BadMAC:
		return "mac"
	case BadTag:
		return "tag"
	case BadInner:
		return "inner_type"
	}
	return "unknown"
}

func (b BadRecord) Error() string { return ErrBadRecord.Error() + ": " + b.String() }

// Is makes every BadRecord an ErrBadRecord.
func (b BadRecord) Is(target error) bool { return target == ErrBadRecord }
