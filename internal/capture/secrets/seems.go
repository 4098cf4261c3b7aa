package secrets

import "bytes"

// FormatError says that a file is not what it was given as.
type FormatError struct {
	Name  string // of the file
	Want  string // "key log", "private key"
	Seems string // "a packet capture (pcapng)"; "" when nobody can tell
	Next  string // "give it as FILE, without --keylog"
}

// Error is the sentence for people.
func (e *FormatError) Error() string {
	text := "read " + e.Want + " " + e.Name + ": "
	if e.Seems == "" {
		return text + "nothing in it looks like one: " + e.Next
	}
	return text + "this is " + e.Seems + ": " + e.Next
}

// format is a kind of file that gets mixed up with others.
type format struct {
	starts string // how the file begins
	seems  string
	next   string
}

// captureOrArchive recognises what is neither a key nor a key log by its first bytes.
func captureOrArchive(head []byte) (format, bool) {
	const alone = "give it as FILE, without a flag"
	for _, f := range []format{
		{"\x0a\x0d\x0d\x0a", "a packet capture (pcapng)", alone},
		{"\xa1\xb2\xc3\xd4", "a packet capture (pcap)", alone},
		{"\xd4\xc3\xb2\xa1", "a packet capture (pcap)", alone},
		{"\xa1\xb2\x3c\x4d", "a packet capture (pcap)", alone},
		{"\x4d\x3c\xb2\xa1", "a packet capture (pcap)", alone},
		{"\x1f\x8b", "a gzip file", "unpack it first (gunzip)"},
		{"PK\x03\x04", "a zip file", "unpack it first"},
		{"7z\xbc\xaf\x27\x1c", "a 7z file", "unpack it first"},
	} {
		if bytes.HasPrefix(head, []byte(f.starts)) {
			return f, true
		}
	}
	return format{}, false
}

// notKeyLog recognises by its start what was given as a key log and is none.
func notKeyLog(head []byte) (format, bool) {
	if f, ok := captureOrArchive(head); ok {
		return f, true
	}
	const key = "give it with --key"
	switch {
	case bytes.Contains(head, []byte("PRIVATE KEY-----")):
		return format{"", "a private key (PEM)", key}, true
	case bytes.HasPrefix(head, []byte("PuTTY-User-Key-File")):
		return format{"", "a key of PuTTY", "a key log has lines such as CLIENT_RANDOM; a server's RSA key goes with --key, as PEM or .pfx"}, true
	case bytes.HasPrefix(head, []byte("\xfe\xed\xfe\xed")), bytes.HasPrefix(head, []byte("\xce\xce\xce\xce")):
		return format{"", "a Java key store (JKS)", jksNext}, true
	case len(head) > 4 && head[0] == 0x30 && (head[1] == 0x82 || head[1] == 0x83 || head[1] == 0x80):
		return format{"", "a key, a certificate or a .pfx file (DER)", "if it holds the server's RSA key, " + key}, true
	case bytes.HasPrefix(head, []byte("-----BEGIN CERTIFICATE")):
		return format{"", "a certificate", certificateNext}, true
	}
	return format{}, false
}
