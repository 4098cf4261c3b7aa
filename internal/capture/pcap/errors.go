package pcap

import (
	"errors"
	"fmt"
	"strings"
)

// FormatError says that a file is no capture that can be read here.
type FormatError struct {
	Seems string // "Windows event trace (.etl)"
	Next  string // "pktmon etl2pcap FILE.etl --out FILE.pcapng"

	vague bool // the content does not tell what it is
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("read capture: this is no pcap or pcapng file but %s: %s", e.Seems, e.Next)
}

// DamageError says where a capture is cut off or malformed.
type DamageError struct {
	Offset  int64 // in the uncompressed file
	What    string
	Packets int64 // good ones before it
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("read capture: damaged at offset %d, after %d good packets: %s", e.Offset, e.Packets, e.What)
}

// Named is err, which NewReader returned for the file with this name: where the content does not say what it is, the extension may.
func Named(err error, name string) error {
	var format *FormatError
	if errors.As(err, &format) && format.vague && strings.HasSuffix(strings.ToLower(name), ".etl") {
		return traceError()
	}
	return err
}
