// Package redact keeps secrets out of logs, metrics, pages and bundles.
//
// Input: names and values as they are about to be written down. Output: the same with secret values replaced by
// "[masked N bytes]", so that a reader still sees that something was there and how long it was.
// Promises: names decide first (headers, cookies, parameters, JSON members; whatever their case, separators and percent
// encoding); values that look like secrets (JWT, bearer tokens, API keys, card numbers, private keys) are masked under any
// name; masking twice changes nothing more; work is linear in the input and nothing is remembered.
// Non-goals: finding every secret (a password in prose is not seen), and anything reversible.
package redact

import (
	"fmt"
	"strconv"
	"strings"
)

// Config says what is masked beyond the defaults. The zero value is useful.
type Config struct {
	Names   []string // further sensitive names of headers, cookies and parameters, whole names of 1 to 64 bytes in any case
	MaxPart int      // bound of a matched part in bytes; default 128, 16 to 4096
}

const (
	defaultPart = 128
	maxName     = 64
)

// Masker masks. It is safe for concurrent use.
type Masker struct {
	extra   map[string]struct{} // lower case
	maxPart int
}

// New returns a Masker, or an error that names the setting that is out of range.
func New(cfg Config) (*Masker, error) {
	m := &Masker{maxPart: cfg.MaxPart}
	if m.maxPart == 0 {
		m.maxPart = defaultPart
	}
	if m.maxPart < 16 || m.maxPart > 4096 {
		return nil, fmt.Errorf("make masker: part of %d bytes: want 16 to 4096", cfg.MaxPart)
	}
	for _, n := range cfg.Names {
		if len(n) == 0 || len(n) > maxName {
			return nil, fmt.Errorf("make masker: sensitive name %.70q: want 1 to %d bytes", n, maxName)
		}
		if m.extra == nil {
			m.extra = map[string]struct{}{}
		}
		m.extra[strings.ToLower(n)] = struct{}{}
	}
	return m, nil
}

// AppendMask appends what stands for a secret of n bytes.
func AppendMask(dst []byte, n int) []byte {
	dst = append(dst, "[masked "...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	return append(dst, " bytes]"...)
}

const (
	maskStart = "[masked "
	maskEnd   = " bytes]"
)

func masked(s string) bool {
	return strings.HasPrefix(s, maskStart) && strings.IndexByte(s, ']') == len(s)-1 && strings.HasSuffix(s, maskEnd)
}

// appendSecret appends the mask of s; nothing for an empty s, s itself where it is a mask already.
func appendSecret(dst []byte, s string) []byte {
	if s == "" || masked(s) {
		return append(dst, s...)
	}
	return AppendMask(dst, len(s))
}

// AppendQuery appends a query or form (without "?") with sensitive values masked, the rest byte for byte.
func (m *Masker) AppendQuery(dst []byte, query string) []byte {
	for {
		pair, rest, more := strings.Cut(query, "&")
		name, value, ok := strings.Cut(pair, "=")
		switch {
		case !ok:
			dst = m.AppendText(dst, pair)
		case m.Sensitive(name):
			dst = append(append(dst, name...), '=')
			dst = appendSecret(dst, value)
		default:
			dst = append(append(dst, name...), '=')
			dst = m.AppendText(dst, value)
		}
		if !more {
			return dst
		}
		dst = append(dst, '&')
		query = rest
	}
}

// AppendTarget appends a URL or request target with userinfo and sensitive query values masked.
func (m *Masker) AppendTarget(dst []byte, target string) []byte {
	path, query, ok := strings.Cut(target, "?")
	if scheme, rest, abs := strings.Cut(path, "://"); abs {
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		dst = append(append(dst, scheme...), "://"...)
		if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
			dst = appendSecret(dst, rest[:at])
			rest = rest[at:]
		}
		path = rest
	}
	dst = m.AppendText(dst, path)
	if ok {
		dst = m.AppendQuery(append(dst, '?'), query)
	}
	return dst
}

// Target is AppendTarget for callers that want a string.
func (m *Masker) Target(target string) string { return string(m.AppendTarget(nil, target)) }

// Query is AppendQuery for callers that want a string.
func (m *Masker) Query(query string) string { return string(m.AppendQuery(nil, query)) }

// Text is AppendText for callers that want a string; s itself when there was nothing to mask.
func (m *Masker) Text(s string) string {
	if masked := m.AppendText(nil, s); string(masked) != s {
		return string(masked)
	}
	return s
}
