package reason

// proxyName is how Lunette calls itself in Proxy-Status: the same everywhere, so that logs and alerts can look for it.
const proxyName = "lunette"

// ProxyStatus returns the Proxy-Status of an answer that Lunette makes up itself (RFC 9209), as in
//
//	lunette; error=connection_refused; details="tcp.refused"
//
// Of detail it tells the number and the name of a TLS alert that was received, and nothing else: addresses, names of hosts and
// certificates, limits and ids of rules are for the log, not for whoever asks. inRequest says that the client's message is at fault.
func ProxyStatus(c Code, detail string, inRequest bool) string {
	kind := Lookup(c).ProxyStatus
	number, name := "", ""
	if kind == "tls_alert_received" {
		if number, name = alertIn(detail); number == "" {
			kind = "tls_protocol_error" // one that we sent
		}
	}
	if inRequest {
		switch phase := c.Phase(); {
		case kind == "", phase == "http1", phase == "http2", phase == "http3":
			kind = "http_request_error" // the table's is the one for responses
		}
	}
	s := proxyName
	if kind != "" {
		s += "; error=" + kind
	}
	if number != "" {
		s += "; alert-id=" + number
	}
	if name != "" {
		s += `; alert-message="` + name + `"`
	}
	return s + `; details="` + string(c) + `"`
}

// alertIn returns the alert that detail begins with: its number, three digits at most, and its name where one follows.
func alertIn(detail string) (number, name string) {
	n := span(detail, '0', '9')
	if n == 0 || n > 3 || n < len(detail) && detail[n] != ' ' && detail[n] != ',' {
		return "", ""
	}
	number = detail[:n]
	if n < len(detail) && detail[n] == ' ' {
		rest := detail[n+1:]
		for end := 0; ; end++ {
			if end = end + span(rest[end:], 'a', 'z'); end == len(rest) || rest[end] != '_' {
				return number, rest[:end]
			}
		}
	}
	return number, ""
}

// span counts the bytes from lo to hi that s begins with.
func span(s string, lo, hi byte) int {
	n := 0
	for n < len(s) && s[n] >= lo && s[n] <= hi {
		n++
	}
	return n
}
