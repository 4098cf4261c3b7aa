package redact

import "strings"

// AppendHeader appends the value of a header field, masked as its name demands: cookies keep their names, Authorization
// its scheme, fields that hold a URL their path; any other value is searched for what looks like a secret.
func (m *Masker) AppendHeader(dst []byte, name, value string) []byte {
	switch {
	case strings.EqualFold(name, "Cookie"):
		return appendCookies(dst, value)
	case strings.EqualFold(name, "Set-Cookie"):
		pair, attributes, ok := strings.Cut(value, ";")
		dst = appendCookies(dst, pair)
		if ok {
			dst = append(append(dst, ';'), attributes...)
		}
		return dst
	case strings.EqualFold(name, "Authorization"), strings.EqualFold(name, "Proxy-Authorization"),
		strings.EqualFold(name, "WWW-Authenticate"), strings.EqualFold(name, "Proxy-Authenticate"):
		return appendCredentials(dst, value)
	case strings.EqualFold(name, "Referer"), strings.EqualFold(name, "Location"), strings.EqualFold(name, "Content-Location"),
		strings.EqualFold(name, "X-Original-URL"), strings.EqualFold(name, "X-Rewrite-URL"), strings.EqualFold(name, "X-Forwarded-URI"):
		return m.AppendTarget(dst, value)
	case m.Sensitive(name):
		return appendSecret(dst, value)
	}
	return m.AppendText(dst, value)
}

// Header is AppendHeader for callers that want a string.
func (m *Masker) Header(name, value string) string { return string(m.AppendHeader(nil, name, value)) }

func appendCookies(dst []byte, value string) []byte {
	for {
		pair, rest, more := strings.Cut(value, ";")
		name, secret, ok := strings.Cut(pair, "=")
		if ok {
			dst = append(append(dst, name...), '=')
			dst = appendSecret(dst, secret)
		} else if t := strings.TrimLeft(pair, " \t"); t != "" { // a cookie without a name
			dst = append(dst, pair[:len(pair)-len(t)]...)
			dst = appendSecret(dst, t)
		}
		if !more {
			return dst
		}
		dst = append(dst, ';')
		value = rest
	}
}

// appendCredentials keeps a known scheme: that a client tries NTLM is half of many explanations.
func appendCredentials(dst []byte, value string) []byte {
	scheme, rest, ok := strings.Cut(value, " ")
	if !knownScheme(scheme) {
		return appendSecret(dst, value)
	}
	dst = append(dst, scheme...)
	if ok {
		dst = append(dst, ' ')
		dst = appendSecret(dst, rest)
	}
	return dst
}

func knownScheme(s string) bool {
	for _, known := range [...]string{"Basic", "Bearer", "Digest", "Negotiate", "NTLM", "Kerberos", "DPoP", "AWS4-HMAC-SHA256", "Hawk", "Mutual"} {
		if strings.EqualFold(s, known) {
			return true
		}
	}
	return false
}
