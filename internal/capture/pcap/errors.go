package pcap

import "fmt"

// FormatError says that a file is no capture that can be read here.
type FormatError struct {
	Seems string // "Windows event trace (.etl)"
	Next  string // "pktmon etl2pcap FILE.etl --out FILE.pcapng"
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
