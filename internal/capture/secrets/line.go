package secrets

import (
	"bytes"
	"encoding/hex"
	"fmt"
)

// Sizes in bytes.
const (
	encryptedSize = 8    // of an encrypted pre-master secret, in the label RSA
	maxPreMaster  = 1024 // a shared secret of 8192-bit Diffie-Hellman
)

// kind is what a line of a key log gives.
type kind uint8

const (
	kindUnknown kind = iota
	kindUnused
	kindMaster    // CLIENT_RANDOM
	kindPreMaster // PMS_CLIENT_RANDOM
	kindEncrypted // RSA
	kindSession   // RSA Session-ID:… Master-Key:…
	kindTraffic   // plus Label
)

// line is one line, read.
type line struct {
	kind   kind
	key    [randomSize]byte
	secret []byte // in buf
	buf    [maxPreMaster]byte
}

// kindOf tells what a line gives by its label and what stands after it.
func kindOf(label, rest []byte) kind {
	switch string(label) {
	case "CLIENT_RANDOM":
		return kindMaster
	case "PMS_CLIENT_RANDOM":
		return kindPreMaster
	case "RSA":
		if bytes.HasPrefix(rest, []byte("Session-ID:")) {
			return kindSession
		}
		return kindEncrypted
	case "ECH_SECRET", "ECH_CONFIG":
		return kindUnused
	}
	for l := range labels {
		if string(label) == l.String() {
			return kindTraffic + kind(l)
		}
	}
	for _, side := range [...]string{"CLIENT", "SERVER"} {
		if n, ok := bytes.CutPrefix(label, []byte(side+"_TRAFFIC_SECRET_")); ok && number(n) {
			return kindUnused
		}
	}
	return kindUnknown
}

// read takes the key and the secret out of what stands after the label. It returns a fault, "" for none.
func (l *line) read(label, rest []byte) string {
	if l.kind == kindSession {
		id, master := cut(bytes.TrimPrefix(rest, []byte("Session-ID:")))
		return l.readSession(id, bytes.TrimPrefix(master, []byte("Master-Key:")))
	}
	size := randomSize
	if l.kind == kindEncrypted {
		size = encryptedSize
	}
	key, secret := cut(rest)
	want, good := "96", len(secret) == 2*masterSize
	switch {
	case l.kind >= kindTraffic:
		want, good = "64 or 96", good || len(secret) == 64
	case l.kind == kindPreMaster:
		want, good = fmt.Sprintf("2 to %d", 2*maxPreMaster), len(secret) > 0 && len(secret) <= 2*maxPreMaster && len(secret)%2 == 0
	}
	if len(key) != 2*size || !good {
		return fmt.Sprintf("%s wants %d and %s hex digits, got %d and %d", label, 2*size, want, len(key), len(secret))
	}
	l.key = [randomSize]byte{}
	return l.decode(label, l.key[:size], key, secret)
}

// readSession is read for a session id and its master secret.
func (l *line) readSession(id, master []byte) string {
	const most = 32 // bytes of a session id
	if len(id) == 0 || len(id) > 2*most || len(id)%2 != 0 || len(master) != 2*masterSize {
		return fmt.Sprintf("Session-ID and Master-Key want 2 to %d and 96 hex digits, got %d and %d", 2*most, len(id), len(master))
	}
	var raw [most]byte
	fault := l.decode([]byte("Session-ID"), raw[:len(id)/2], id, master)
	l.key = nameOf(raw[:len(id)/2])
	return fault
}

// decode turns the digits into bytes; their numbers are right.
func (l *line) decode(label, to, key, secret []byte) string {
	if _, err := hex.Decode(to, key); err != nil {
		return string(label) + " wants hex digits, got something else in the first number"
	}
	l.secret = l.buf[:len(secret)/2]
	if _, err := hex.Decode(l.secret, secret); err != nil {
		return string(label) + " wants hex digits, got something else in the second number"
	}
	return ""
}

// cut splits text at the first space; after is without space around it.
func cut(text []byte) (before, after []byte) {
	i := bytes.IndexAny(text, " \t")
	if i < 0 {
		return text, nil
	}
	return text[:i], bytes.TrimSpace(text[i:])
}

// number tells whether text counts key updates: digits, or the letter N as OpenSSL writes it.
func number(text []byte) bool {
	if string(text) == "N" {
		return true
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(text) > 0
}
