package session

import (
	"fmt"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
)

func renegotiationForCipher() check.Check {
	return check.Check{
		Code:      "tls.renegotiation_for_cipher",
		Title:     "the origin renegotiates to change the cipher suite; no client certificate is involved",
		Severity:  finding.Warning,
		Catalogue: []int{39},
		Refines:   []reason.Code{reason.TLSRenegotiationFailed, reason.TLSRenegotiationAsked, reason.TLSRenegotiationRefused},
		On:        []fact.Kind{fact.TLSHelloRequest},
		Text: `A directory or location of the origin has a cipher suite list of its own (Apache's SSLCipherSuite below <Directory>, <Location> or
in .htaccess; leftovers of "server gated cryptography"). The origin learns only from the request that the suite of the first
handshake is not on that list, sends **HelloRequest**, and shakes hands again: a full handshake without CertificateRequest, at the
end of which another suite is in use.

For a client that answers, it costs two round trips and a signature for each connection. One that ignores HelloRequest waits for
the origin's timer, one that refuses gets alert 40, as with client certificates (tls.hello_request_ignored,
tls.hello_request_refused); the search for a certificate then leads nowhere, because none is wanted. Apache logs AH02220
*Reconfigured cipher suite will force renegotiation* at level trace3 and AH02264 *SSL cipher suite not renegotiated* where it does
not come about.

The secrets are needed to see it: the second ServerHello is sealed under the first handshake. A handshake with CertificateRequest,
or one that ends with the same suite, is something else. TLS 1.3 cannot change the suite of a connection.`,
		Asks: []string{"On Apache httpd: `grep -rn SSLCipherSuite /etc/apache2 /etc/httpd`, and in .htaccess files; what stands below the level of a virtual host is the cause"},
		Mends: []finding.Mend{
			{On: finding.Apache, Do: "Take the list out of the directory; in the virtual host, put in front of what is there what the path needs.",
				Lines: "<VirtualHost *:{port}>\n    ServerName {host}\n    SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20:HIGH:!aNULL:!MD5\n</VirtualHost>"},
			{On: finding.Lunette, Do: "Answer the HelloRequest (auto is the default), or offer from the beginning what the path wants: profile compatible or legacy offers more suites, weaker ones among them.",
				Lines: "origin:\n  tls:\n    renegotiation: auto\n    max_version: \"1.2\"\n  http: \"1.1\""},
		},
		Sources: []string{"RFC 5246 section 7.4.1.1", "Apache mod_ssl: SSLCipherSuite (per-directory context)"},
		Run:     runRenegotiationForCipher,
	}
}

func runRenegotiationForCipher(c *check.Case) *check.Verdict {
	f := c.Flow
	if i := logged(f, "AH02264", "AH02220"); i >= 0 {
		return byLog(f, i, &check.Verdict{Proof: []finding.Proof{f.Proof(i, logWords(&f.Facts[i]))},
			Summary: "By its own log the origin renegotiates because this path has a cipher suite list of its own."})
	}
	if v := changedSuite(f); v != nil {
		return v
	}
	for _, a := range requests(f) {
		if a.answer == complied {
			continue
		}
		for _, o := range c.Others { // this one came to nothing: what does the asking end in elsewhere?
			v := changedSuite(o)
			if v == nil || !sameTarget(f, o) {
				continue
			}
			w := &check.Verdict{Confidence: finding.Likely, Summary: "The origin asks for another handshake only to change the cipher suite, as another connection to the same path shows; it wants no certificate.",
				Proof: []finding.Proof{f.Proof(a.at, "the origin sends HelloRequest")}, Settle: "the same request answered with a handshake, decrypted"}
			for _, p := range v.Proof {
				w.Proof = append(w.Proof, f.ProofOther(&o.Facts[p.Index], p.Text+" (another connection)"))
			}
			return w
		}
	}
	return nil
}

// changedSuite is a renegotiation of f that was completed, asked for no certificate and changed the suite. It works: no more than info.
func changedSuite(f *check.Flow) *check.Verdict {
	for _, a := range requests(f) {
		done := f.Next(a.at, fact.TLSRenegotiated)
		if a.answer != complied || done < 0 || done > a.until {
			continue
		}
		asks := f.Next(a.at, fact.TLSCertificateRequest)
		second := f.NextOf(fact.SideServer, a.at, fact.TLSServerHello)
		_, first := f.ServerHello()
		if asks >= 0 && asks < done || second < 0 || second > done || first < 0 || first >= a.at {
			continue
		}
		from, to := f.Facts[first].Text, f.Facts[second].Text
		if from == to || from == "" || to == "" {
			continue
		}
		return &check.Verdict{Confidence: finding.Certain, Severity: finding.Info,
			Proof: []finding.Proof{f.Proof(a.at, "the origin asks to renegotiate"), f.Proof(second, "it now chooses "+to+" instead of "+from+", and asks for no certificate")},
			Summary: fmt.Sprintf("The origin renegotiated only to change the cipher suite, from %s to %s, which took %s.",
				from, to, finding.Span(f.Since(a.at, done)))}
	}
	return nil
}
