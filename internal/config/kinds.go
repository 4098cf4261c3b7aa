package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
)

// kind is a sort of scalar: how it is read, and how schema and reference describe it.
type kind struct {
	name    string
	form    string   // for the reference: how it is written
	types   []string // JSON types that it is written as
	pattern string   // ECMA 262, for the JSON Schema of strings; "" for any
	parse   func(d *decoder, s string) (any, *problem)
	order   func(s string) (float64, bool) // value of a min or max tag, nil where there are none
}

// problem is what is wrong with one value, without its place.
type problem struct {
	message, hint string
	absent        bool // a file that is not there
}

func wrong(hint, format string, args ...any) *problem {
	return &problem{message: fmt.Sprintf(format, args...), hint: hint}
}

// scalars lists every kind. A function, so that nothing can change it.
func scalars() []kind {
	return []kind{
		{name: "bool", form: "true or false", types: []string{"boolean"}, parse: parseBool},
		{name: "int", form: "number", types: []string{"integer"}, parse: parseInt, order: orderFloat},
		{name: "text", form: "text", types: []string{"string"}, parse: parseText},
		{name: "enum", form: "word", types: []string{"string"}, parse: parseText},
		{name: "duration", form: "500ms, 60s, 1m30s, 2h", types: []string{"string"},
			pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`, parse: parseDuration, order: orderDuration},
		{name: "size", form: "512B, 64KiB, 10MB, 1GiB", types: []string{"string"},
			pattern: `^[0-9]+(\.[0-9]+)?(B|[KMGTP]i?B|kB)$`, parse: parseSize, order: orderSize},
		{name: "version", form: "\"1.0\", \"1.1\", \"1.2\", \"1.3\"", types: []string{"string"},
			pattern: `^1\.[0-3]$`, parse: parseVersion},
		{name: "address", form: "127.0.0.1:8443, [::1]:8443, :8443", types: []string{"string"},
			pattern: `^(\[[0-9A-Fa-f:.%a-z0-9]+\]|[^:\[\]/ ]*):[0-9]{1,5}$`, parse: parseAddress},
		{name: "url", form: "https://host, https://host:port, http://…", types: []string{"string"},
			pattern: `^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@ ]+/?$`, parse: parseURL},
		{name: "host pattern", form: "shop.test, *.shop.test, 10.0.0.1", types: []string{"string"},
			pattern: `^(\*\.)?[^/:*?#@ ]+$|^\[?[0-9A-Fa-f:.]+\]?$`, parse: parsePattern},
		{name: "host name", form: "shop.test", types: []string{"string"}, pattern: `^[^/:*?#@ ]+$`, parse: parseName},
		{name: "host", form: "shop.test, shop.test:8443", types: []string{"string"}, pattern: `^[^/?#@ ]+$`, parse: parseHost},
		{name: "file", form: "file", types: []string{"string"}, pattern: `.`, parse: parseFile},
		{name: "folder", form: "folder", types: []string{"string"}, pattern: `.`, parse: parseFolder},
		{name: "age recipient", form: "age1…", types: []string{"string"}, pattern: `^age1[0-9a-z]+$`, parse: parseRecipient},
		{name: "log target", form: "file, stdout, stderr or off", types: []string{"string"}, pattern: `.`, parse: parseSink},
		{name: "audit parts", form: "letters of ABCEFHIJKZ, such as ABHKZ", types: []string{"string"}, pattern: `^[A-KZ]+$`, parse: parseAuditParts},
		{name: "path", form: "/, /api, /upload/", types: []string{"string"}, pattern: `^/[^?# ]*$`, parse: parsePath},
		{name: "target", form: "/healthz, /health?full=1", types: []string{"string"}, pattern: `^/[^# ]*$`, parse: parseRequestTarget},
		{name: "exclusion path", form: "/search, /api/, /static/img*", types: []string{"string"}, pattern: `^/`, parse: parseExclusionPath},
		{name: "method", form: "GET", types: []string{"string"}, pattern: `^[A-Z][A-Z0-9_-]*$`, parse: parseMethod},
		{name: "tag", form: "attack-sqli", types: []string{"string"}, pattern: `^[A-Za-z0-9_./-]+$`, parse: parseTag},
		{name: "network", form: "10.0.0.0/8, 2001:db8::/32, or one address", types: []string{"string"},
			pattern: `^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`, parse: parseNetwork},
		{name: "DNS server", form: "10.0.0.53, 10.0.0.53:5353, [2001:db8::53]:53", types: []string{"string"},
			pattern: `^[0-9A-Fa-f:.\[\]]+$`, parse: parseServer},
		{name: "group", form: strings.Join(groupNames(), ", "), types: []string{"string"}, parse: parseGroup},
		{name: "hash_key", form: "client_ip, path, header:NAME or cookie:NAME", types: []string{"string"},
			pattern: `^(client_ip|path|(header|cookie):[!#$%&'*+.^_|~0-9A-Za-z` + "`" + `-]+)$`, parse: parseHashKey},
		{name: "field name", form: "X-Api-Key", types: []string{"string"},
			pattern: `^[!#$%&'*+.^_|~0-9A-Za-z` + "`" + `-]+$`, parse: parseToken},
		{name: "rule target", form: "ARGS, ARGS:q", types: []string{"string"},
			pattern: `^[A-Z_]+(:.+)?$`, parse: parseTarget},
		{name: "status", form: "204, 200-399", types: []string{"integer", "string"},
			pattern: `^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$`, parse: parseStatus},
	}
}

// kindOf finds the kind by its name, else by the Go type; nil for a mapping.
func kindOf(name string, t reflect.Type, enum bool) *kind {
	if name == "" {
		name = kindOfType(t, enum)
	}
	if name == "" {
		return nil
	}
	for _, k := range scalars() {
		if k.name == name {
			return &k
		}
	}
	panic("config: no kind " + name)
}

func kindOfType(t reflect.Type, enum bool) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[int64]():
		return "size"
	case reflect.TypeFor[netip.Prefix]():
		return "network"
	case reflect.TypeFor[netip.AddrPort]():
		return "DNS server"
	case reflect.TypeFor[StatusRange]():
		return "status"
	case reflect.TypeFor[bool]():
		return "bool"
	case reflect.TypeFor[int]():
		return "int"
	case reflect.TypeFor[string]():
		if enum {
			return "enum"
		}
		return "text"
	}
	return ""
}

func parseText(_ *decoder, s string) (any, *problem) {
	if s == "" {
		return nil, wrong("leave the key out to get its default", "is empty")
	}
	return s, nil
}

func parseBool(_ *decoder, s string) (any, *problem) {
	switch s {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return nil, wrong("", "must be true or false, not %s", quote(s))
}

func parseInt(_ *decoder, s string) (any, *problem) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		if errors.Is(err, strconv.ErrRange) {
			return nil, wrong("", "is too large: %s", s)
		}
		return nil, wrong("", "must be a whole number, not %s", s)
	}
	return int(n), nil
}

func parseDuration(_ *decoder, s string) (any, *problem) {
	d, err := time.ParseDuration(s)
	if err == nil && d >= 0 && s != "0" && s[0] != '+' && s[0] != '-' {
		return d, nil
	}
	hint := "write it as 500ms, 60s, 1m30s or 2h"
	if isNumber(s) {
		hint = "state the unit: " + s + "s or " + s + "ms"
	} else if n, ok := strings.CutSuffix(s, "d"); ok && isNumber(n) {
		if days, err := strconv.Atoi(n); err == nil && days < 1000 {
			hint = fmt.Sprintf("write days as hours: %dh", days*24)
		}
	}
	return nil, wrong(hint, "must be a duration, not %s", quote(s))
}

// sizeUnits, longest first. KB and kB are 1000 bytes, KiB 1024.
func sizeUnits() []struct {
	name  string
	bytes int64
} {
	return []struct {
		name  string
		bytes int64
	}{
		{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"PiB", 1 << 50},
		{"KB", 1e3}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"PB", 1e15}, {"B", 1},
	}
}

func parseSize(_ *decoder, s string) (any, *problem) {
	for _, u := range sizeUnits() {
		n, ok := strings.CutSuffix(s, u.name)
		if !ok || !isNumber(n) {
			continue
		}
		if whole, err := strconv.ParseInt(n, 10, 64); err == nil && whole <= math.MaxInt64/u.bytes {
			return whole * u.bytes, nil
		}
		f, err := strconv.ParseFloat(n, 64)
		if err != nil || f*float64(u.bytes) >= 1<<62 {
			return nil, wrong("", "is too large: %s", quote(s))
		}
		return int64(f * float64(u.bytes)), nil
	}
	hint := "write it as 512B, 64KiB, 10MB or 1GiB"
	if isNumber(s) {
		hint = "state the unit: " + s + "B, " + s + "KiB or " + s + "MiB"
	}
	return nil, wrong(hint, "must be a size, not %s", quote(s))
}

func parseVersion(_ *decoder, s string) (any, *problem) {
	switch s {
	case "1.0":
		return uint16(tls.VersionTLS10), nil
	case "1.1":
		return uint16(tls.VersionTLS11), nil
	case "1.2":
		return uint16(tls.VersionTLS12), nil
	case "1.3":
		return uint16(tls.VersionTLS13), nil
	}
	return nil, wrong(`write "1.0", "1.1", "1.2" or "1.3"`, "must be a TLS version, not %s", quote(s))
}

// groups are the key exchange groups that Go's crypto/tls knows, as they are written in the file.
func groups() []struct {
	name string
	id   tls.CurveID
} {
	return []struct {
		name string
		id   tls.CurveID
	}{
		{"X25519MLKEM768", tls.X25519MLKEM768}, {"SecP256r1MLKEM768", tls.SecP256r1MLKEM768},
		{"SecP384r1MLKEM1024", tls.SecP384r1MLKEM1024},
		{"X25519", tls.X25519}, {"P-256", tls.CurveP256}, {"P-384", tls.CurveP384}, {"P-521", tls.CurveP521},
	}
}

func groupNames() []string {
	var out []string
	for _, g := range groups() {
		out = append(out, g.name)
	}
	return out
}

// Group returns the number of a key exchange group by its name in the file; false when there is no such group.
func Group(name string) (tls.CurveID, bool) {
	for _, g := range groups() {
		if g.name == name {
			return g.id, true
		}
	}
	return 0, false
}

func parseGroup(_ *decoder, s string) (any, *problem) {
	if _, ok := Group(s); ok {
		return s, nil
	}
	other := map[string]string{"secp256r1": "P-256", "prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521",
		"p256": "P-256", "p384": "P-384", "p521": "P-521"}
	if name := other[strings.ToLower(s)]; name != "" {
		return nil, wrong("write it as "+name, "no such group: %s", quote(s))
	}
	hint := nearest(s, groupNames())
	if hint == "" {
		hint = "known groups: " + strings.Join(groupNames(), ", ")
	}
	return nil, wrong(hint, "no such group: %s", quote(s))
}

func parseStatus(_ *decoder, s string) (any, *problem) {
	from, to, ranged := strings.Cut(s, "-")
	if !ranged {
		to = from
	}
	a, err1 := strconv.Atoi(from)
	b, err2 := strconv.Atoi(to)
	if err1 != nil || err2 != nil || len(from) != 3 || len(to) != 3 || a < 100 || b > 599 || a > b {
		return nil, wrong("write 200, or 200-399", "must be a status or a range of them, not %s", quote(s))
	}
	return StatusRange{a, b}, nil
}

func parseFile(d *decoder, s string) (any, *problem) {
	if s == "" || strings.ContainsRune(s, 0) {
		return nil, wrong("", "must be the name of a file, not %s", quote(s))
	}
	if !filepath.IsAbs(s) {
		s = filepath.Join(d.dir, s)
	}
	return filepath.Clean(s), nil
}

func parseFolder(d *decoder, s string) (any, *problem) {
	v, p := parseFile(d, s)
	if p != nil {
		p.message = "must be the name of a folder, not " + quote(s)
	}
	return v, p
}

func parseRecipient(_ *decoder, s string) (any, *problem) {
	if strings.HasPrefix(strings.ToUpper(s), "AGE-SECRET-KEY-") {
		return nil, wrong("write the public key, age1…, of the same file, and keep the secret one off this machine", "is a secret key, not a recipient")
	}
	if all, err := age.ParseRecipients(strings.NewReader(s)); err != nil || len(all) != 1 {
		return nil, wrong("lunette incidents key makes a pair; its public key begins with age1", "must be an age recipient, not %s", quote(s))
	}
	return s, nil
}

func parseSink(d *decoder, s string) (any, *problem) {
	switch s {
	case "stdout", "stderr", "off":
		return s, nil
	}
	return parseFile(d, s)
}

// parseAuditParts reads the letters of the parts of an audit log.
func parseAuditParts(_ *decoder, s string) (any, *problem) {
	for i, c := range s {
		if !strings.ContainsRune("ABCDEFGHIJKZ", c) {
			return nil, wrong("write letters of ABCEFHIJKZ", "%s: there is no part %s of an audit log", quote(s), quote(string(c)))
		}
		if strings.ContainsRune(s[:i], c) {
			return nil, wrong("", "part %s stands twice in %s", string(c), quote(s))
		}
	}
	return s, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil && strings.Trim(s, "0123456789.") == ""
}

func orderFloat(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

func orderDuration(s string) (float64, bool) {
	d, err := time.ParseDuration(s)
	return float64(d), err == nil
}

func orderSize(s string) (float64, bool) {
	v, p := parseSize(nil, s)
	n, _ := v.(int64)
	return float64(n), p == nil
}
