package config

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
)

// certificates checks the files of a site and whether they cover its names.
func (c *checker) certificates(path string, s *Site) {
	var leaves []*x509.Certificate
	for i := range s.Certificates {
		at := fmt.Sprintf("%s.certificate[%d]", path, i)
		if leaf := c.pair(at, &s.Certificates[i]); leaf != nil {
			leaves = append(leaves, leaf)
		}
	}
	if len(leaves) == 0 || len(leaves) < len(s.Certificates) {
		return
	}
	for i, name := range s.Names {
		if name != "" && !covered(name, leaves) {
			c.warn(fmt.Sprintf("%s.names[%d]", path, i), "clients will refuse it: get a certificate with this name",
				"no certificate of the site is for %s", quote(name))
		}
	}
}

func covered(name string, leaves []*x509.Certificate) bool {
	name = strings.Replace(name, "*.", "any-label.", 1)
	for _, leaf := range leaves {
		if leaf.VerifyHostname(name) == nil {
			return true
		}
	}
	return false
}

// pair checks a certificate file against its key; nil when it found a fault.
func (c *checker) pair(path string, p *Certificate) *x509.Certificate {
	chain := c.chain(path+".file", p.File)
	key := c.privateKey(path+".key", p.Key)
	if len(chain) == 0 {
		return nil
	}
	leaf := chain[0]
	if c.now.After(leaf.NotAfter) {
		c.warn(path+".file", "", "the certificate expired on %s", leaf.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
	} else if c.now.Before(leaf.NotBefore) {
		c.warn(path+".file", "", "the certificate is not valid before %s", leaf.NotBefore.UTC().Format("2006-01-02 15:04 MST"))
	}
	if key == nil {
		return nil
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if ok && public.Equal(leaf.PublicKey) {
		return leaf
	}
	for _, other := range chain[1:] {
		if ok && public.Equal(other.PublicKey) {
			c.fault(path+".file", "put the certificate first and its intermediates behind it", "the key fits a certificate that is not the first of the file")
			return nil
		}
	}
	c.fault(path+".key", "check that both files come from the same order", "is not the key of the certificate in %s", p.File)
	return nil
}

// chain reads every certificate of a PEM file; nil when there is none to use. A file that cannot be read is filesExist's to report.
func (c *checker) chain(path, file string) []*x509.Certificate {
	if file == "" {
		return nil
	}
	data, p := readBounded(file, 16<<20)
	if p != nil {
		return nil
	}
	var out []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			c.fault(path, "", "certificate %d of %s: %v", len(out)+1, file, err)
			return nil
		}
		out = append(out, cert)
	}
	if out == nil {
		c.fault(path, pemHint(data), "%s holds no certificate", file)
	}
	return out
}

func pemHint(data []byte) string {
	switch {
	case bytes.Contains(data, []byte("PRIVATE KEY-----")):
		return "it holds a private key: are file and key swapped?"
	case len(data) > 0 && data[0] == 0x30:
		return "it is DER: convert it with openssl x509 -inform DER -out FILE.pem, or openssl pkcs12 for a .pfx"
	}
	return "it must be PEM, with -----BEGIN CERTIFICATE-----"
}

func (c *checker) privateKey(path, file string) crypto.Signer {
	if file == "" {
		return nil
	}
	data, p := readBounded(file, 1<<20)
	if p != nil {
		return nil
	}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			c.fault(path, "decrypt it with openssl pkey -in "+file+" -out FILE.key", "the key in %s is encrypted", file)
			return nil
		}
		if key := parseKey(block.Bytes); key != nil {
			return key
		}
		c.fault(path, "it must be an RSA, ECDSA or Ed25519 key", "%s holds a key that cannot be read", file)
		return nil
	}
	hint := "it must be PEM, with -----BEGIN PRIVATE KEY-----"
	if bytes.Contains(data, []byte("-----BEGIN CERTIFICATE-----")) {
		hint = "it holds a certificate: are file and key swapped?"
	}
	c.fault(path, hint, "%s holds no private key", file)
	return nil
}

func parseKey(der []byte) crypto.Signer {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		if s, ok := k.(crypto.Signer); ok {
			return s
		}
		return nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k
	}
	return nil
}

// authorities checks a file of CA certificates.
func (c *checker) authorities(path, file string) {
	for _, cert := range c.chain(path, file) {
		if c.now.After(cert.NotAfter) {
			c.warn(path, "", "%s expired on %s", quote(cert.Subject.String()), cert.NotAfter.UTC().Format("2006-01-02 15:04 MST"))
		}
	}
}

// revocations checks a CRL against the authorities in ca.
func (c *checker) revocations(path, file, ca string) {
	if file == "" {
		return
	}
	data, p := readBounded(file, 64<<20)
	if p != nil {
		return
	}
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	crl, err := x509.ParseRevocationList(data)
	if err != nil {
		c.fault(path, "", "%s holds no revocation list: %v", file, err)
		return
	}
	if !crl.NextUpdate.IsZero() && c.now.After(crl.NextUpdate) {
		c.warn(path, "fetch a newer one", "%s was to be replaced before %s", file, crl.NextUpdate.UTC().Format("2006-01-02 15:04 MST"))
	}
	if ca == "" {
		return
	}
	for _, cert := range c.chain(path, ca) {
		if crl.CheckSignatureFrom(cert) == nil {
			return
		}
	}
	c.fault(path, "", "%s was not issued by an authority in %s", file, ca)
}

func trimSpace(b []byte) string { return string(bytes.TrimSpace(b)) }
