package redact

import (
	"encoding/base64"
	"strings"
)

// AppendText appends free text with what looks like a secret masked: name=value and "name": "value" under a sensitive
// name, Authorization and Cookie lines, bearer and basic credentials, JWTs, well-known API keys, card numbers, private keys.
func (m *Masker) AppendText(dst []byte, s string) []byte {
	start := 0 // what is not yet appended
	for i := 0; i < len(s); {
		if !wordByte(s[i]) {
			i++
			continue
		}
		j := i + 1
		for j < len(s) && wordByte(s[j]) {
			j++
		}
		from, to := m.secretAt(s, i, j)
		if from == to {
			i = j
			continue
		}
		dst = append(dst, s[start:from]...)
		dst = appendSecret(dst, s[from:to])
		start, i = to, to
	}
	return append(dst, s[start:]...)
}

func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// secretAt returns the secret that the word s[i:j] is or announces; from == to when there is none.
func (m *Masker) secretAt(s string, i, j int) (from, to int) {
	word := s[i:j]
	switch {
	case word[0] >= '0' && word[0] <= '9':
		if n := cardNumber(s[i:]); n > 0 {
			return i, i + n
		}
	case tokenWord(word):
		return i, j
	case j < len(s) && s[j] == ' ' && (strings.EqualFold(word, "Bearer") || strings.EqualFold(word, "Basic")):
		if end := credentialEnd(s, j+1); credential(word, s[j+1:end]) {
			return j + 1, end
		}
	case strings.HasPrefix(s[j:], " PRIVATE KEY-----"):
		return j, len(s)
	}
	return m.valueOf(s, i, j)
}

// valueOf returns the value that the sensitive name s[i:j] announces.
func (m *Masker) valueOf(s string, i, j int) (from, to int) {
	k := j
	quoted := false
	for k < len(s) && k < j+4 && (s[k] == '"' || s[k] == '\'' || s[k] == ']' || s[k] == '\\') {
		quoted = quoted || s[k] == '"' || s[k] == '\''
		k++
	}
	if quoted { // "name" : "value"
		for k < len(s) && s[k] == ' ' {
			k++
		}
	}
	if k >= len(s) || s[k] != '=' && s[k] != ':' || !m.Sensitive(s[i:j]) {
		return 0, 0
	}
	if s[k] == ':' && !quoted {
		return lineOf(s, i, j, k)
	}
	k++
	for k < len(s) && (s[k] == ' ' || s[k] == '\\') {
		k++
	}
	if k < len(s) && (s[k] == '"' || s[k] == '\'') {
		end := strings.IndexByte(s[k+1:], s[k])
		if end < 0 {
			return k + 1, len(s)
		}
		return k + 1, k + 1 + end
	}
	if strings.HasPrefix(s[k:], maskStart) {
		return 0, 0
	}
	end := k
	for end < len(s) && !strings.ContainsRune("&;, \t\r\n\"'<>{}", rune(s[end])) {
		end++
	}
	return k, end
}

// lineOf serves "Authorization: Basic …": only header names that hold nothing but secrets, since "key: no such file" is prose.
func lineOf(s string, i, j, colon int) (from, to int) {
	switch strings.ToLower(s[i:j]) {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key":
	default:
		return 0, 0
	}
	from = colon + 1
	for from < len(s) && s[from] == ' ' {
		from++
	}
	if strings.HasPrefix(s[from:], maskStart) {
		return 0, 0
	}
	to = from
	for to < len(s) && s[to] != '\r' && s[to] != '\n' {
		to++
	}
	return from, to
}

// tokenWord recognises tokens by their form: a JWT, or a key with a well-known beginning.
func tokenWord(w string) bool {
	if len(w) < 20 {
		return false
	}
	if strings.HasPrefix(w, "eyJ") {
		return strings.IndexByte(w, '.') > 0
	}
	for _, p := range [...]string{"ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xoxb-", "xoxp-", "sk_live_", "rk_live_", "AKIA"} {
		if strings.HasPrefix(w, p) {
			return true
		}
	}
	return false
}

func credentialEnd(s string, i int) int {
	for i < len(s) && (wordByte(s[i]) || strings.IndexByte("~+/=", s[i]) >= 0) {
		i++
	}
	return i
}

// credential tells a token from a word of prose that follows "bearer" or "basic".
func credential(scheme, v string) bool {
	if strings.EqualFold(scheme, "Bearer") {
		return len(v) >= 12 && strings.ContainsAny(v, "0123456789")
	}
	if len(v) > 4096 {
		return true
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(v, "="))
	return err == nil && strings.Contains(string(b), ":")
}

// cardNumber returns the length of a payment card number at the start of s: 13 to 19 digits that begin with 2 to 6 and pass
// the Luhn check, single spaces or dashes between them allowed; 0 when there is none.
func cardNumber(s string) int {
	if s[0] < '2' || s[0] > '6' {
		return 0
	}
	var digits [20]byte
	n, end := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			if n == len(digits) {
				return 0
			}
			digits[n] = c - '0'
			n++
			end = i + 1
			continue
		case (c == ' ' || c == '-') && end == i:
			continue
		}
		break
	}
	if n < 13 || n > 19 || !luhn(digits[:n]) {
		return 0
	}
	return end
}

func luhn(digits []byte) bool {
	sum := 0
	for i, d := range digits {
		v := int(d)
		if (len(digits)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}
