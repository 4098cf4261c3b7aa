package counterfactual

import (
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/reason"
)

// Worth reports whether any change could bear upon the failure. Not worth a try are those that lie before or beside the connection:
// names, routes, limits, clients, rules; and an origin that says that it has too much to do.
func (c *Case) Worth() bool { return len(c.plan()) > 0 }

// plan is what is tried, in order: what the finding points at, then the smallest first.
func (c *Case) plan() []Change {
	bears := c.bearing()
	if len(bears) == 0 {
		return nil
	}
	first := pointsAt(c.Finding, c.Reason)
	var out []Change
	for _, ch := range c.Did.changes() {
		if slices.Contains(bears, ch.price) {
			out = append(out, ch)
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int {
		pa, pb := slices.Contains(first, a.price), slices.Contains(first, b.price)
		switch {
		case pa == pb:
			return 0
		case pa:
			return -1
		}
		return 1
	})
	return out
}

// bearing lists the changes that can bear upon a failure of this kind.
func (c *Case) bearing() []int {
	if c.Reason == "" {
		switch c.Status {
		case 400, 403, 421:
			return []int{priceHTTP, priceServerName, priceFresh, priceRenegotiation, priceVersion, priceVersionHTTP}
		}
		return nil
	}
	switch c.Reason {
	case reason.TLSWrongPort, reason.TLSNotTLS, reason.TLSClientIdentityLost:
		return nil
	case reason.TLSRenegotiationRefused, reason.TLSRenegotiationFailed, reason.TLSRenegotiationAsked:
		return []int{priceHTTP, priceRenegotiation, priceCertificate, priceInsecure}
	case reason.CertNameMismatch, reason.CertNoSAN, reason.CertUnknownCA, reason.CertSelfSigned, reason.CertExpired:
		return []int{priceServerName} // a certificate of another site
	}
	switch phase, _, _ := strings.Cut(string(c.Reason), "."); phase {
	case "tls":
		return []int{priceGroups, priceHTTP, priceServerName, priceFresh, priceCertificate, priceVersion, priceVersionHTTP, priceCompatible, priceLegacy}
	case "read", "write", "http1", "http2":
		return []int{priceHTTP, priceServerName, priceFresh, priceRenegotiation, priceCertificate, priceVersion, priceVersionHTTP}
	}
	return nil
}

// pointsAt lists the changes that a finding, or where there is none a reason, makes likely.
func pointsAt(finding string, code reason.Code) []int {
	switch {
	case finding == "tls.large_client_hello_dropped", finding == "tls.silent_after_hello":
		return []int{priceGroups}
	case finding == "tls.version_intolerant", finding == "tls.post_handshake_auth", finding == "tls.key_update_stall":
		return []int{priceVersion, priceVersionHTTP}
	case finding == "tls.sni_missing", finding == "tls.sni_rejected", finding == "network.sni_reset", finding == "tls.misdirected_request", finding == "cert.name_mismatch":
		return []int{priceServerName}
	case finding == "tls.no_common_cipher", finding == "tls.no_common_version", code == reason.TLSNoCommonCipher, code == reason.TLSNoCommonVersion:
		return []int{priceCompatible, priceLegacy}
	case finding == "tls.alpn_mismatch", finding == "tls.renegotiation_over_http2", strings.HasPrefix(finding, "http2."):
		return []int{priceHTTP}
	case finding == "tcp.one_request_per_connection", code == reason.ReadStaleReusedConnection:
		return []int{priceFresh}
	case finding == "tls.client_cert_rejected", code == reason.TLSClientCertRejected:
		return []int{priceCertificate}
	}
	return nil
}
