package flow

import (
	"bytes"
	"strconv"
)

// maxHead is the most bytes of a CONNECT request's or its answer's head that are waited for.
const maxHead = 64 << 10

// connectTarget is the authority of a CONNECT request (RFC 9110 section 9.3.6).
func connectTarget(head []byte) string {
	words := bytes.Fields(firstLine(head))
	if len(words) < 2 {
		return ""
	}
	return string(words[1][:min(len(words[1]), 300)])
}

// statusOf is the status code of a response head, 0 when it has none.
func statusOf(head []byte) int {
	words := bytes.Fields(firstLine(head))
	if len(words) < 2 || len(words[1]) != 3 {
		return 0
	}
	code, err := strconv.Atoi(string(words[1]))
	if err != nil || code < 100 {
		return 0
	}
	return code
}

func firstLine(p []byte) []byte {
	line, _, _ := bytes.Cut(p[:min(len(p), 8<<10)], []byte("\n"))
	return line
}
