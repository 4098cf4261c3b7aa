package redact

import "strings"

// Sensitive reports whether a header, cookie, parameter or member of this name holds a secret. The name may be
// percent-encoded; case and separators do not matter ("X-Api-Key", "apiKey", "user[pass%77ord]").
func (m *Masker) Sensitive(name string) bool {
	if len(m.extra) > 0 && len(name) <= maxName {
		if _, ok := m.extra[strings.ToLower(name)]; ok {
			return true
		}
	}
	if strings.EqualFold(name, "Sec-WebSocket-Key") { // a nonce, and of use in finding faults
		return false
	}
	var (
		joined [maxName]byte // letters and digits of the name, lower case
		n      int
		word   int // where the current word starts in joined
		lower  bool
	)
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '%' && i+2 < len(name) {
			hi, lo := unhex(name[i+1]), unhex(name[i+2])
			if hi >= 0 && lo >= 0 {
				c = byte(hi<<4 | lo)
				i += 2
			}
		}
		upper := c >= 'A' && c <= 'Z'
		letter := upper || c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter || upper && lower { // a word ends here
			if secretWord(joined[word:n]) {
				return true
			}
			word = n
		}
		lower = letter && !upper
		if !letter {
			continue
		}
		if n == len(joined) { // an endless name: judge what there is, keep its end for what follows
			if secretWord(joined[word:n]) || holdsSecretWord(joined[:n]) {
				return true
			}
			n = copy(joined[:], joined[maxName/2:])
			word = max(0, word-maxName/2)
		}
		if upper {
			c |= 0x20
		}
		joined[n] = c
		n++
	}
	return secretWord(joined[word:n]) || holdsSecretWord(joined[:n])
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// secretWord says which whole words make a name sensitive.
func secretWord(w []byte) bool {
	switch string(w) {
	case "pass", "pwd", "pw", "pin", "otp", "totp", "code", "key", "auth", "sid", "sig", "jwt", "cvv", "cvc", "cvv2", "ssn",
		"card", "pan", "iban", "cookie", "saml", "samlresponse", "assertion":
		return true
	}
	return false
}

// parts says which letters anywhere in a name make it sensitive, by first letter.
func parts(first byte) []string {
	switch first {
	case 'a':
		return partsA
	case 'c':
		return partsC
	case 'p':
		return partsP
	case 's':
		return partsS
	case 't':
		return partsT
	}
	return nil
}

var (
	partsA = []string{"authorization", "apikey", "accesskey", "authkey"}
	partsC = []string{"credential", "clientcert", "cardnumber", "creditcard"}
	partsP = []string{"password", "passwd", "passphrase", "privatekey", "passcode"}
	partsS = []string{"secret", "session", "sessid", "signature", "sslcert", "setcookie"}
	partsT = []string{"token"}
)

func holdsSecretWord(b []byte) bool {
	for i := range b {
		for _, p := range parts(b[i]) {
			if len(b)-i >= len(p) && string(b[i:i+len(p)]) == p {
				return true
			}
		}
	}
	return false
}
