package explain

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/tlswire"
)

// suiteName is an IANA name of a cipher suite made readable: "ECDHE-RSA with AES-128-GCM-SHA256".
func suiteName(name string) string {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "TLS_"), "SSL_")
	kx, cipher, old := strings.Cut(name, "_WITH_")
	if !old {
		return strings.ReplaceAll(name, "_", "-")
	}
	return strings.ReplaceAll(kx, "_", "-") + " with " + strings.ReplaceAll(cipher, "_", "-")
}

func suiteOf(id uint16) string {
	if id == 0 {
		return ""
	}
	return suiteName(tlswire.SuiteName(id))
}

// versionsOffered sums up a list of versions: "TLS 1.3–1.0".
func versionsOffered(all []string) string {
	var known []string
	for _, v := range all {
		if strings.HasPrefix(v, "TLS ") || strings.HasPrefix(v, "SSL ") {
			known = append(known, v)
		}
	}
	switch len(known) {
	case 0:
		return ""
	case 1:
		return known[0]
	}
	return known[0] + " to " + strings.TrimPrefix(known[len(known)-1], "TLS ")
}

// few lists up to n of all and counts the rest.
func few(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, ", ")
	}
	return strings.Join(all[:n], ", ") + " and " + grouped(int64(len(all)-n)) + " more"
}
