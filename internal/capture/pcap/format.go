package pcap

import (
	"bytes"
	"unicode/utf8"
)

// lookAt is how much of a file is looked at to tell what it is.
const lookAt = 4 << 10

const (
	unpack  = "unpack it first: "
	convert = "convert it with Wireshark's editcap: editcap -F pcapng FILE FILE.pcapng"
	keyFile = "this belongs after --key; the capture is another file"
)

// known is a file format that begins with magic.
type known struct {
	magic       string
	seems, next string
}

// formats are those that are often taken for captures.
func formats() []known {
	return []known{
		{"snoop\x00\x00\x00", "a snoop capture (Solaris)", convert},
		{"GMBU", "a capture of Microsoft Network Monitor 2", convert},
		{"RTSS", "a capture of Microsoft Network Monitor 1", convert},
		{"TRSNIFF data    \x1a", "a capture of NetXRay or Sniffer", convert},
		{"XCP\x00", "a capture of NetXRay or Sniffer", convert},
		{"\x28\xb5\x2f\xfd", "zstd data", unpack + "zstd -d FILE.zst"},
		{"\xfd7zXZ\x00", "xz data", unpack + "xz -d FILE.xz"},
		{"BZh", "bzip2 data", unpack + "bzip2 -d FILE.bz2"},
		{"\x04\x22\x4d\x18", "LZ4 data", unpack + "lz4 -d FILE.lz4"},
		{"PK\x03\x04", "a ZIP archive", unpack + "unzip FILE.zip"},
		{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", unpack + "7z x FILE.7z"},
		{"%PDF", "a PDF document", "give the capture itself"},
		{"-----BEGIN CERTIFICATE", "a certificate (PEM)", "give the capture itself; to decrypt it the private key is needed, after --key"},
		{"-----BEGIN", "a key (PEM)", keyFile},
		{"\x30\x82", "a key or certificate (DER or PKCS#12)", keyFile},
	}
}

// whatElse says what a file that is no capture seems to be.
func whatElse(b []byte) error {
	if len(b) == 0 {
		return &FormatError{Seems: "an empty file", Next: "check that the capture ran, and wrote to this file"}
	}
	if bytes.HasPrefix(b, []byte("\n\r\r\n")) {
		return &FormatError{Seems: "a pcapng file that is cut off in its first block or lacks a byte order", Next: "copy the file again, or capture again"}
	}
	if _, ok := classicMagic(b); ok && len(b) < classicHead {
		return &FormatError{Seems: "a pcap file that is cut off in its first 24 bytes", Next: "copy the file again, or capture again"}
	}
	for _, f := range formats() {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return &FormatError{Seems: f.seems, Next: f.next}
		}
	}
	switch {
	case isTrace(b):
		return traceError()
	case isERF(b):
		return &FormatError{Seems: "an ERF capture (Endace)", Next: convert, vague: true}
	}
	return whatText(b)
}

func traceError() error {
	return &FormatError{Seems: "a Windows event trace (.etl)", Next: "convert it on Windows: pktmon etl2pcap FILE.etl --out FILE.pcapng, " +
		"or for one of netsh trace: etl2pcapng FILE.etl FILE.pcapng (github.com/microsoft/etl2pcapng)"}
}

// whatText says which text it is, if it is one.
func whatText(b []byte) error {
	if len(b) == lookAt {
		b = b[:lookAt-utf8.UTFMax] // a character may be cut
	}
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0:
		return &FormatError{Seems: "a file of another kind", Next: "give a capture of tcpdump, Wireshark, dumpcap or pktmon; others may be convertible with editcap", vague: true}
	case isKeyLog(b):
		return &FormatError{Seems: "a key log (SSLKEYLOGFILE)", Next: "this belongs after --keylog; the capture is another file"}
	case bytes.HasPrefix(b, []byte("{")) && bytes.Contains(b, []byte(`"log"`)):
		return &FormatError{Seems: "an HTTP archive (.har)", Next: "it has no packets; capture with tcpdump, Wireshark or pktmon"}
	case bytes.HasPrefix(b, []byte("<")):
		return &FormatError{Seems: "an HTML or XML page", Next: "perhaps the download gave an error page: open it to see"}
	}
	return &FormatError{Seems: "a text", Next: "give a capture of tcpdump -w, Wireshark, dumpcap or pktmon, not what they print"}
}

// isKeyLog reports whether one of the first lines is one of an NSS key log.
func isKeyLog(b []byte) bool {
	for line := range bytes.Lines(b) {
		label, rest, _ := bytes.Cut(line, []byte(" "))
		switch string(label) {
		case "RSA", "PMS_CLIENT_RANDOM", "CLIENT_RANDOM", "CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
			"SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET", "EARLY_EXPORTER_SECRET":
			return len(rest) > 0
		}
		if bytes.HasPrefix(line, []byte("# SSL/TLS secrets log")) {
			return true
		}
	}
	return false
}
