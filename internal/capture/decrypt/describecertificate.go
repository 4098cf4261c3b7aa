package decrypt

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"math/big"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// Bounds of what is read of a chain.
const (
	maxChain       = 10       // certificates
	maxCertificate = 64 << 10 // bytes of one
	maxAltNames    = 100      // names in one
)

// describeCertificates puts a chain into words; the certificates are not verified.
func describeCertificates(m *tlswire.CertificateMessage) *fact.Certificates {
	n := min(len(m.Entries), maxChain)
	d := &fact.Certificates{Chain: make([]fact.Certificate, n), Context: hex.EncodeToString(m.Context), Omitted: len(m.Entries) - n}
	for i := range d.Chain {
		d.Chain[i] = describeCertificate(m.Entries[i].DER)
	}
	return d
}

func describeCertificate(der []byte) fact.Certificate {
	sum := sha256.Sum256(der)
	d := fact.Certificate{SHA256: hex.EncodeToString(sum[:])}
	if len(der) > maxCertificate {
		d.Error = "read certificate: longer than 64 KiB"
		return d
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		d.Error = "parse certificate: " + err.Error()
		readLoosely(&d, der)
		return d
	}
	d.Subject, d.Issuer = distinguishedName(cert.RawSubject), distinguishedName(cert.RawIssuer)
	d.Serial = serialText(cert.SerialNumber)
	d.NotBefore, d.NotAfter = utc(cert.NotBefore), utc(cert.NotAfter)
	d.Names = altNames(cert)
	d.Key = keyName(cert.RawSubjectPublicKeyInfo)
	d.Signature = signatureName(cert)
	d.CA = cert.BasicConstraintsValid && cert.IsCA
	d.KeyUsage, d.ExtKeyUsage = keyUsages(cert.KeyUsage), extKeyUsages(cert)
	d.Issuers = few(cert.IssuingCertificateURL)
	d.Permitted, d.Excluded = few(cert.PermittedDNSDomains), few(cert.ExcludedDNSDomains)
	return d
}

// serialText is a serial number in hex, two digits a byte.
func serialText(n *big.Int) string {
	if n.Sign() == 0 {
		return "00"
	}
	return hex.EncodeToString(n.Bytes())
}

// altNames lists the DNS names, then the addresses.
func altNames(cert *x509.Certificate) []string {
	var out []string
	for _, n := range cert.DNSNames {
		if len(out) == maxAltNames {
			return append(out, more(len(cert.DNSNames)+len(cert.IPAddresses)-maxAltNames))
		}
		out = append(out, n[:min(len(n), maxText)])
	}
	for _, a := range cert.IPAddresses {
		if len(out) == maxAltNames {
			return append(out, more(len(cert.DNSNames)+len(cert.IPAddresses)-maxAltNames))
		}
		out = append(out, a.String())
	}
	return out
}

// keyUsages lists the bits by their names in RFC 5280 section 4.2.1.3.
func keyUsages(u x509.KeyUsage) []string {
	names := [...]string{"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
		"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}
	var out []string
	for i, n := range names {
		if u&(1<<i) != 0 {
			out = append(out, n)
		}
	}
	return out
}

// extKeyUsages lists the purposes by their names in RFC 5280 section 4.2.1.12, others by object identifier.
func extKeyUsages(cert *x509.Certificate) []string {
	names := [...]string{
		x509.ExtKeyUsageAny: "anyExtendedKeyUsage", x509.ExtKeyUsageServerAuth: "serverAuth", x509.ExtKeyUsageClientAuth: "clientAuth",
		x509.ExtKeyUsageCodeSigning: "codeSigning", x509.ExtKeyUsageEmailProtection: "emailProtection",
		x509.ExtKeyUsageIPSECEndSystem: "ipsecEndSystem", x509.ExtKeyUsageIPSECTunnel: "ipsecTunnel", x509.ExtKeyUsageIPSECUser: "ipsecUser",
		x509.ExtKeyUsageTimeStamping: "timeStamping", x509.ExtKeyUsageOCSPSigning: "OCSPSigning",
		x509.ExtKeyUsageMicrosoftServerGatedCrypto: "msSGC", x509.ExtKeyUsageNetscapeServerGatedCrypto: "nsSGC",
		x509.ExtKeyUsageMicrosoftCommercialCodeSigning: "msCommercialCodeSigning", x509.ExtKeyUsageMicrosoftKernelCodeSigning: "msKernelCodeSigning",
	}
	var out []string
	for _, u := range cert.ExtKeyUsage {
		if int(u) < len(names) && len(out) < maxNames {
			out = append(out, names[u])
		}
	}
	for _, oid := range cert.UnknownExtKeyUsage {
		if len(out) < maxNames {
			out = append(out, oid.String())
		}
	}
	return out
}
