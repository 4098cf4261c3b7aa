package listener

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// CertificateFile names a certificate chain and its key, both PEM.
type CertificateFile struct {
	Chain, Key string
}

// Certificates holds the certificates of a site as read from their files; several let the client's abilities choose
// (RSA beside ECDSA). Safe for concurrent use.
type Certificates struct {
	files []CertificateFile
	now   atomic.Pointer[[]*tls.Certificate]
}

// LoadCertificates reads files, all of which must be good.
func LoadCertificates(files ...CertificateFile) (*Certificates, error) {
	c := &Certificates{files: files}
	if len(files) == 0 {
		return nil, errors.New("load certificates: no file given")
	}
	return c, c.Reload()
}

// NewCertificates returns a store for certificates that lie in memory; Reload leaves it as it is.
func NewCertificates(list ...*tls.Certificate) *Certificates {
	c := &Certificates{}
	c.now.Store(&list)
	return c
}

// Reload reads the files again. Handshakes from then on use what they hold; after a fault the old ones stay.
func (c *Certificates) Reload() error {
	if len(c.files) == 0 {
		return nil
	}
	list := make([]*tls.Certificate, 0, len(c.files))
	for _, f := range c.files {
		pair, err := tls.LoadX509KeyPair(f.Chain, f.Key)
		if err != nil {
			return fmt.Errorf("load certificate %s with key %s: %w", f.Chain, f.Key, err)
		}
		list = append(list, &pair)
	}
	c.now.Store(&list)
	return nil
}

// Files returns every file that is read, for a watcher.
func (c *Certificates) Files() []string {
	var out []string
	for _, f := range c.files {
		out = append(out, f.Chain, f.Key)
	}
	return out
}

// Leaves returns the certificates in use, for expiry warnings and metrics.
func (c *Certificates) Leaves() []*x509.Certificate {
	var out []*x509.Certificate
	for _, p := range *c.now.Load() {
		if p.Leaf != nil {
			out = append(out, p.Leaf)
		}
	}
	return out
}

// pick returns the first certificate that the client can use, else the first.
func (c *Certificates) pick(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	list := *c.now.Load()
	if len(list) == 0 {
		return nil, errors.New("site has no certificate")
	}
	if len(list) > 1 {
		for _, p := range list {
			if hello.SupportsCertificate(p) == nil {
				return p, nil
			}
		}
	}
	return list[0], nil
}

// RevocationList holds the CRLs of the CAs that client certificates come from. Safe for concurrent use.
type RevocationList struct {
	files   []string
	expired bool // a CRL past its NextUpdate still counts
	now     atomic.Pointer[[]*revoked]
}

type revoked struct {
	list    *x509.RevocationList
	serials map[string]struct{}
}

// LoadRevocationLists reads CRLs, PEM or DER. allowExpired says whether one past its NextUpdate is still believed
// (fail open); otherwise certificates of its issuer are rejected until a new one is there.
func LoadRevocationLists(allowExpired bool, files ...string) (*RevocationList, error) {
	r := &RevocationList{files: files, expired: allowExpired}
	return r, r.Reload()
}

// Files returns every file that is read, for a watcher.
func (r *RevocationList) Files() []string { return r.files }

// Reload reads the files again; after a fault the old lists stay.
func (r *RevocationList) Reload() error {
	var all []*revoked
	for _, name := range r.files {
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("load CRL: %w", err)
		}
		lists, err := parseCRLs(b)
		if err != nil {
			return fmt.Errorf("load CRL %s: %w", name, err)
		}
		all = append(all, lists...)
	}
	r.now.Store(&all)
	return nil
}

func parseCRLs(b []byte) ([]*revoked, error) {
	var ders [][]byte
	for rest := b; ; {
		var p *pem.Block
		if p, rest = pem.Decode(rest); p == nil {
			break
		}
		if p.Type == "X509 CRL" {
			ders = append(ders, p.Bytes)
		}
	}
	if ders == nil {
		ders = [][]byte{b}
	}
	var out []*revoked
	for _, der := range ders {
		l, err := x509.ParseRevocationList(der)
		if err != nil {
			return nil, err
		}
		v := &revoked{list: l, serials: make(map[string]struct{}, len(l.RevokedCertificateEntries))}
		for _, e := range l.RevokedCertificateEntries {
			v.serials[string(e.SerialNumber.Bytes())] = struct{}{}
		}
		out = append(out, v)
	}
	return out, nil
}

// check passes when one chain holds no revoked certificate and every list that speaks for it is current and signed by its issuer.
func (r *RevocationList) check(chains [][]*x509.Certificate, now time.Time) error {
	var last error
	for _, chain := range chains {
		if last = r.checkChain(chain, now); last == nil {
			return nil
		}
	}
	return last
}

func (r *RevocationList) checkChain(chain []*x509.Certificate, now time.Time) error {
	for i := 0; i+1 < len(chain); i++ {
		cert, issuer := chain[i], chain[i+1]
		for _, v := range *r.now.Load() {
			if !bytes.Equal(v.list.RawIssuer, issuer.RawSubject) || v.list.CheckSignatureFrom(issuer) != nil {
				continue
			}
			if _, gone := v.serials[string(cert.SerialNumber.Bytes())]; gone {
				return reason.New(reason.ClientCertRejected, "revoked", nil)
			}
			if !r.expired && !v.list.NextUpdate.IsZero() && now.After(v.list.NextUpdate) {
				return reason.New(reason.ClientCertRejected, "CRL expired", nil)
			}
		}
	}
	return nil
}
