package flow

import (
	"bytes"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// guess is what the first bytes of a side are.
type guess uint8

const (
	unclear     guess = iota // too few bytes to say
	tlsRecords               // also SSL 2.0 hellos
	httpMessage              // HTTP/1 or the preface of HTTP/2, in clear
	connect                  // a CONNECT request
	other
)

// sniffRecord looks for a TLS record header (RFC 8446 section 5.1) or an SSL 2.0 CLIENT-HELLO (RFC 5246 appendix E.2).
func sniffRecord(p []byte) guess {
	if len(p) == 0 {
		return unclear
	}
	if p[0]&0x80 != 0 {
		return sniffSSL2(p)
	}
	if !tlswire.PlausibleRecord(p) || len(p) > 2 && p[2] > 4 {
		return other
	}
	if len(p) < tlswire.RecordHeaderLen {
		return unclear
	}
	return tlsRecords
}

func sniffSSL2(p []byte) guess {
	const clientHello = 1
	switch {
	case len(p) > 2 && p[2] != clientHello, len(p) > 3 && p[3] != 3 && p[3] != 2 && p[3] != 0:
		return other
	case len(p) < 5:
		return unclear
	}
	return tlsRecords
}

// sniffRequest looks for the start of a request (RFC 9112 section 3) or of HTTP/2 (RFC 9113 section 3.4).
func sniffRequest(p []byte) guess {
	const longest = 24 // no method in use is longer
	end := bytes.IndexByte(p[:min(len(p), longest)], ' ')
	word := p
	if end >= 0 {
		word = p[:end]
	}
	for _, c := range word {
		if (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return other
		}
	}
	switch {
	case end < 0 && len(p) < longest:
		return unclear
	case end <= 0:
		return other
	case len(p) == end+1:
		return unclear
	case string(word) == "CONNECT":
		return connect
	case p[end+1] == '/' || p[end+1] == '*' || p[end+1]|0x20 >= 'a' && p[end+1]|0x20 <= 'z':
		return httpMessage
	}
	return other
}

// sniffResponse looks for a status line (RFC 9112 section 4).
func sniffResponse(p []byte) guess {
	const start = "HTTP/1."
	switch n := min(len(p), len(start)); {
	case string(p[:n]) != start[:n]:
		return other
	case n < len(start):
		return unclear
	}
	return httpMessage
}

// sniffClient is what the first bytes of a client are.
func sniffClient(p []byte) guess { return firstOf(p, sniffRecord, sniffRequest) }

// sniffServer is what the first bytes of a server are.
func sniffServer(p []byte) guess { return firstOf(p, sniffRecord, sniffResponse) }

// firstOf is the answer of the first sniffer that knows one.
func firstOf(p []byte, sniffers ...func([]byte) guess) guess {
	answer := other
	for _, sniff := range sniffers {
		switch g := sniff(p); g {
		case unclear:
			answer = unclear
		case other:
		default:
			return g
		}
	}
	return answer
}

// isText reports whether p looks like text, HTTP/1 in the middle for one.
func isText(p []byte) bool {
	for _, c := range p {
		if c < 0x20 && c != '\r' && c != '\n' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
