package reason

import (
	"regexp"
	"testing"
)

func TestProxyStatus(t *testing.T) {
	for _, c := range []struct {
		code      Code
		detail    string
		inRequest bool
		want      string
	}{
		{TCPRefused, "ECONNREFUSED", false, `lunette; error=connection_refused; details="tcp.refused"`},
		{ConfigAllOriginsDown, "127.0.0.1:19001 tcp.refused", false, `lunette; error=destination_unavailable; details="config.all_origins_down"`},
		{DNSNXDomain, "resolver 10.255.255.53:53", false, `lunette; error=dns_error; details="dns.nxdomain"`},
		{CertUnknownCA, "CN=Other CA", false, `lunette; error=tls_certificate_error; details="cert.unknown_ca"`},
		{WAFBlockedRequest, "rule 100001", true, `lunette; error=http_request_denied; details="waf.blocked_request"`},
		{TLSAlert, "40 handshake_failure", false, `lunette; error=tls_alert_received; alert-id=40; alert-message="handshake_failure"; details="tls.alert"`},
		{TLSAlert, "80 internal_error, secret.internal", false, `lunette; error=tls_alert_received; alert-id=80; alert-message="internal_error"; details="tls.alert"`},
		{TLSAlert, "200", false, `lunette; error=tls_alert_received; alert-id=200; details="tls.alert"`},
		{TLSAlert, "sent 42 bad_certificate", false, `lunette; error=tls_protocol_error; details="tls.alert"`},
		{TLSAlert, "4000 x", false, `lunette; error=tls_protocol_error; details="tls.alert"`},
		{TLSUnrecognizedName, "112 unrecognized_name, sni inner.corp", false,
			`lunette; error=tls_alert_received; alert-id=112; alert-message="unrecognized_name"; details="tls.unrecognized_name"`},
		{TLSUnrecognizedName, "10.corp", false, `lunette; error=tls_protocol_error; details="tls.unrecognized_name"`},
		{HTTP1BadChunk, "chunk-size", false, `lunette; error=http_response_transfer_coding; details="http1.bad_chunk"`},
		{HTTP1BadChunk, "chunk-size", true, `lunette; error=http_request_error; details="http1.bad_chunk"`},
		{ClientGone, "", true, `lunette; error=http_request_error; details="client.gone"`},
		{ClientUpgradeEnded, "x", false, `lunette; details="client.upgrade_ended"`},
	} {
		if got := ProxyStatus(c.code, c.detail, c.inRequest); got != c.want {
			t.Errorf("%s %q:\n got %s\nwant %s", c.code, c.detail, got, c.want)
		}
	}
}

// Whatever the detail holds, no more of it goes out than an alert; and what goes out is a structured field (RFC 8941).
func FuzzProxyStatus(f *testing.F) {
	form := regexp.MustCompile(`^lunette(; error=[a-z_]+)?(; alert-id=[0-9]{1,3})?(; alert-message="[a-z_]*")?; details="[a-z0-9_.]+"$`)
	for _, s := range []string{"", "40 handshake_failure", "112 unrecognized_name, sni a", `"\`, "1 a\r\nb: c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, detail string) {
		for i := range All() {
			for _, inRequest := range []bool{false, true} {
				if s := ProxyStatus(i.Code, detail, inRequest); !form.MatchString(s) {
					t.Fatalf("%s %q: %s", i.Code, detail, s)
				}
			}
		}
	})
}
