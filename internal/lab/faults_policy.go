package lab

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// policyFaults are answers of the application, or of what stands in front of it.
func policyFaults() []fault {
	return []fault{
		{Fault: is("ntlm", "wants NTLM, which is bound to the connection: type 3 must come where type 1 came", "", "origin.ntlm_connection_shared").
			asked(Login), answer: ntlm},
		{Fault: is("redirect-loop", "sends every request to where it came from", "", "origin.redirect_loop"), answer: redirectLoop},
		{Fault: is("rate-limited", "answers 429 with Retry-After", "", "origin.rate_limited"),
			answer: raw("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Type: text/plain\r\nContent-Length: 18\r\n\r\ntoo many requests\n", carryOn)},
		{Fault: is("banned", "answers 403.502, as IIS does when dynamic IP restrictions ban an address", "", "").probed("origin.rate_limited"),
			answer: raw("HTTP/1.1 403 Forbidden\r\nServer: Microsoft-IIS/10.0\r\nContent-Type: text/html\r\nContent-Length: 58\r\n\r\n"+
				"<h2>403.502 - Forbidden: Too many requests from this IP.\r\n", carryOn)},
		{Fault: is("unavailable", "answers 503 as http.sys does when the application pool is stopped", "", "origin.unavailable"),
			answer: raw(httpsys("503 Service Unavailable", "Service Unavailable", "HTTP Error 503. The service is unavailable."), goodbye)},
		{Fault: is("host-unknown", "knows no site of this name: 400 of http.sys", "", "origin.host_unknown"),
			answer: raw(httpsys("400 Bad Request", "Bad Request - Invalid Hostname", "HTTP Error 400. The request hostname is invalid."), goodbye)},
	}
}

func redirectLoop(s *session, r *http.Request) error {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	return s.write("HTTP/1.1 302 Found\r\nLocation: https://" + r.Host + r.URL.RequestURI() + "\r\nContent-Length: 0\r\n\r\n")
}

// ntlmSignature begins every NTLM message; its type stands behind it, little-endian.
const ntlmSignature = "NTLMSSP\x00"

// ntlm does the three steps of NTLM with tokens that mean nothing. What it holds is that they belong to one connection.
func ntlm(s *session, r *http.Request) error {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	kind := 0
	if b, err := base64.StdEncoding.DecodeString(token); err == nil && len(b) >= 12 && string(b[:8]) == ntlmSignature {
		kind = int(binary.LittleEndian.Uint32(b[8:12]))
	}
	challenge := "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n"
	switch {
	case s.login == 3 || kind == 3 && s.login == 1:
		s.login = 3
		return s.answer(200, s.describe(r, 0), r)
	case kind == 1:
		s.login = 1
		message := append([]byte(ntlmSignature), 2, 0, 0, 0)
		challenge = "WWW-Authenticate: " + scheme + " " + base64.StdEncoding.EncodeToString(append(message, make([]byte, 36)...)) + "\r\n"
	}
	return s.write("HTTP/1.1 401 Unauthorized\r\nServer: Microsoft-IIS/10.0\r\n" + challenge + "Content-Length: 0\r\n\r\n")
}

func gzipTwice(s *session, r *http.Request) error {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return err
	}
	body := []byte(strings.Repeat("hello ", 100))
	for range 2 {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write(body); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		body = b.Bytes()
	}
	return s.write(ok200 + "Content-Encoding: gzip\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + string(body))
}
