package explain

import (
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/fact"
)

func TestNamedBy(t *testing.T) {
	for _, tt := range []struct {
		host, subject string
		names         []string
		want          naming
	}{
		{"shop.example", "CN=other", []string{"Shop.Example"}, namesIt},
		{"SHOP.example.", "", []string{"a.example", "shop.example"}, namesIt},
		{"www.shop.example", "", []string{"*.shop.example"}, namesIt},
		{"shop.example", "", []string{"*.shop.example"}, namesNot},
		{"a.b.shop.example", "", []string{"*.shop.example"}, namesNot},
		{"www.shop.example", "", []string{"w*.shop.example", "*"}, namesNot},
		{"shop.example", "CN=shop.example", []string{"other.example"}, namesNot},
		{"shop.example", "O=Shop,CN=shop.example", nil, namesInCN},
		{"192.0.2.1", "", []string{"192.0.2.1"}, namesIt},
		{"192.0.2.1", "CN=192.0.2.1", []string{"*.0.2.1"}, namesNot},
		{"2001:db8::1", "", []string{"2001:db8:0::1"}, namesIt},
		{"shop.example", "", nil, namesNot},
	} {
		if got := namedBy(&fact.Certificate{Subject: tt.subject, Names: tt.names}, tt.host); got != tt.want {
			t.Errorf("%s by %q %q: %d, want %d", tt.host, tt.names, tt.subject, got, tt.want)
		}
	}
}

// TestCertificateFaults tells in the row, and among what stands out, what is wrong with a certificate, and what an alert is about.
func TestCertificateFaults(t *testing.T) {
	leaf := fact.Certificate{Subject: "CN=other.example", Issuer: "CN=Lab CA", Names: []string{"other.example"}, ExtKeyUsage: []string{"clientAuth"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(0, 1)}
	cert := fact.Fact{Kind: fact.TLSCertificate, Side: fact.SideServer, Detail: &fact.Certificates{Chain: []fact.Certificate{leaf}}}
	info := &decrypt.Info{ServerName: "shop.example"}
	for code, want := range map[int]string{43: "extended key usage clientAuth", 45: "expired 1970-01-01", 48: "issuer CN=Lab CA"} {
		f := of(info, cert, fact.Fact{Kind: fact.TLSAlert, Side: fact.SideClient, Code: code, Size: 2, Text: "why"})
		rows := rowsOf(f, false, sinceStart(f))
		if got := rows[0].more; !strings.HasPrefix(got, "CN=other.example, does not name shop.example, expired 1970-01-01") || rows[0].level != bad {
			t.Error(got)
		}
		if got := rows[1].more; !strings.HasSuffix(got, ", "+want) {
			t.Errorf("alert %d: %s, want %s", code, got, want)
		}
		if got := troubleOf(f).text; !strings.Contains(got, want) || !strings.Contains(got, "the certificate does not name shop.example") || !strings.Contains(got, "the server's certificate expired") {
			t.Error(got)
		}
	}
	took := of(info, cert, by(fact.SideClient, fact.TLSApplicationData))
	if got := troubleOf(took); got.weight != weightLow {
		t.Errorf("the client went on, and yet: %+v", got)
	}
}
