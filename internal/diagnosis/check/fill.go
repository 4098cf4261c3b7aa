package check

import (
	"net/netip"
	"strconv"
	"strings"
)

// Blanks of mends and questions: {host} is the name of the site, {origin} the origin's address and port, {ip} and {port} each of them.
// What is still to be filled in by hand is a word in capitals, which commands refuse as it stands.

// filled is text of a mend with what is known of the connection. What peers sent is put in only where it can be nothing but a name or an
// address, since the lines are there to be typed.
func (f *Flow) filled(text string) string {
	host, ip, port := "HOST", "ADDRESS", "PORT"
	if IsHostName(f.Name) {
		host = f.Name
	}
	if a := f.Server.Addr(); a.IsValid() {
		ip = a.Unmap().WithZone("").String()
	}
	if p := f.Server.Port(); p > 0 {
		port = strconv.Itoa(int(p))
	}
	return fill(text, host, ip, port)
}

// Filled is text of a mend or a question about a site and its origin, of which the host and the port are known, or the zero value.
func Filled(text, site, originHost string, originPort uint16) string {
	host, ip, port := "HOST", "ADDRESS", "PORT"
	if IsHostName(site) {
		host = site
	}
	if a, err := netip.ParseAddr(originHost); err == nil {
		ip = a.Unmap().WithZone("").String()
	} else if IsHostName(originHost) {
		ip = originHost
	}
	if originPort > 0 {
		port = strconv.Itoa(int(originPort))
	}
	return fill(text, host, ip, port)
}

// Example is text of a mend or a question as the manual shows it: with a name and an address that are nobody's.
func Example(text string) string { return fill(text, "shop.example", "192.0.2.10", "443") }

func fill(text, host, ip, port string) string {
	origin := ip + ":" + port
	if a, err := netip.ParseAddr(ip); err == nil && a.Is6() {
		origin = "[" + ip + "]:" + port
	}
	return strings.NewReplacer("{host}", host, "{origin}", origin, "{ip}", ip, "{port}", port).Replace(text)
}

// IsHostName reports whether s is nothing but letters, digits, dots, hyphens and underscores.
func IsHostName(s string) bool {
	return s != "" && s[0] != '-' && strings.IndexFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '.' && r != '-' && r != '_'
	}) < 0
}
