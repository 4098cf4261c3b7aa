//go:build amd64

package uprobe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// event is what a program in the kernel sent.
type event struct {
	kind, pid, library, labelLen uint32
	comm                         string
	random, secret               []byte // of the record; random is nil when it could not be read
	ip, labelPtr                 uint64
	label                        []byte
}

// parseEvent reads one record of the ring buffer.
func parseEvent(raw []byte) (event, error) {
	if len(raw) < evSize {
		return event{}, fmt.Errorf("read event of %d bytes: it should have %d", len(raw), evSize)
	}
	u32 := func(off int) uint32 { return binary.NativeEndian.Uint32(raw[off:]) }
	u64 := func(off int) uint64 { return binary.NativeEndian.Uint64(raw[off:]) }
	e := event{kind: u32(evKind), pid: u32(evPID), library: u32(evLibrary), labelLen: u32(evLabelLen), ip: u64(evIP), labelPtr: u64(evLabelPtr),
		label: raw[evLabel : evLabel+32]}
	comm, _, _ := bytes.Cut(raw[evComm:evComm+16], []byte{0})
	e.comm = string(comm)
	if u32(evFlags)&1 != 0 {
		e.random = raw[evRandom : evRandom+32]
	}
	e.secret = raw[evSecret : evSecret+min(int(u32(evSecretLen)), 64)]
	return e, nil
}

// words of a key log for the labels of RFC 8446 7.1.
func word(label string) string {
	switch label {
	case "c e traffic":
		return "CLIENT_EARLY_TRAFFIC_SECRET"
	case "e exp master":
		return "EARLY_EXPORTER_SECRET"
	case "c hs traffic":
		return "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
	case "s hs traffic":
		return "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	case "c ap traffic":
		return "CLIENT_TRAFFIC_SECRET_0"
	case "s ap traffic":
		return "SERVER_TRAFFIC_SECRET_0"
	case "exp master":
		return "EXPORTER_SECRET"
	}
	return ""
}

// goWord checks what a Go program named: the words of key logs and nothing else.
func goWord(label string) string {
	if label == "CLIENT_RANDOM" || strings.HasSuffix(label, "_SECRET") || strings.HasSuffix(label, "_TRAFFIC_SECRET_0") {
		return label
	}
	return ""
}

// line makes the line of a key log; false when the event has none.
func (e event) line(goLabel func() string) ([]byte, bool) {
	var name string
	switch e.kind {
	case kindMaster:
		name = "CLIENT_RANDOM"
	case kindLabel:
		name = word(string(e.label[:min(e.labelLen, 16)]))
	case kindHKDFLabel: // length 2, length of the label 1, label
		if n := int(e.label[2]); n > 6 && n <= 28-3 {
			name = word(strings.TrimPrefix(string(e.label[3:3+n]), "tls13 "))
		}
	case kindGo:
		name = goWord(goLabel())
	}
	if name == "" || e.random == nil || len(e.secret) == 0 || empty(e.secret) || empty(e.random) {
		return nil, false
	}
	return fmt.Appendf(nil, "%s %x %x", name, e.random, e.secret), true
}

// empty says whether all bytes are zero.
func empty(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
