package decrypt

import (
	"encoding/hex"
	"math/big"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// describeBody completes f for the messages after the hellos.
func describeBody(f *fact.Fact, m tlswire.Message, version uint16, kx string) error {
	switch m.Type {
	case tlswire.MsgEncryptedExtensions:
		e, err := tlswire.ParseEncryptedExtensions(m.Body)
		if err != nil {
			return err
		}
		f.Detail = describeEncryptedExtensions(e)
	case tlswire.MsgCertificate:
		return certificateFact(f, m.Body, version)
	case tlswire.MsgCompressedCertificate:
		c, err := tlswire.ParseCompressedCertificate(m.Body)
		if err != nil {
			return err
		}
		if body, err := c.Inflate(); err == nil {
			return certificateFact(f, body, tlswire.VersionTLS13)
		}
	case tlswire.MsgCertificateRequest:
		r, err := tlswire.ParseCertificateRequest(m.Body, version)
		if err != nil {
			return err
		}
		f.Detail = describeCertificateRequest(r)
	case tlswire.MsgCertificateStatus:
		s, err := tlswire.ParseCertificateStatus(m.Body)
		if err != nil {
			return err
		}
		f.Size = int64(len(s.Response))
	case tlswire.MsgServerKeyExchange:
		k, err := tlswire.ParseServerKeyExchange(m.Body, kx, version)
		if err != nil {
			return err
		}
		f.Detail = describeServerKeyExchange(k, kx)
	default:
		return describeClientBody(f, m, version, kx)
	}
	return nil
}

// describeClientBody completes f for the messages that mostly clients send, and for those of either side.
func describeClientBody(f *fact.Fact, m tlswire.Message, version uint16, kx string) error {
	switch m.Type {
	case tlswire.MsgClientKeyExchange:
		k, err := tlswire.ParseClientKeyExchangeMessage(m.Body, kx, version)
		if err != nil {
			return err
		}
		f.Detail = describeClientKeyExchange(k, kx)
	case tlswire.MsgCertificateVerify:
		s, err := tlswire.ParseCertificateVerify(m.Body, version)
		if err != nil {
			return err
		}
		if s.Scheme != 0 {
			f.Text = tlswire.SchemeName(s.Scheme)
		}
	case tlswire.MsgNewSessionTicket:
		t, err := tlswire.ParseNewSessionTicket(m.Body, version)
		if err != nil {
			return err
		}
		f.Detail = describeSessionTicket(t)
	case tlswire.MsgKeyUpdate:
		requested, err := tlswire.ParseKeyUpdate(m.Body)
		if err != nil {
			return err
		}
		if requested {
			f.Code = 1
		}
	}
	return nil
}

// certificateFact completes f with the chain in the body of a Certificate message.
func certificateFact(f *fact.Fact, body []byte, version uint16) error {
	c, err := tlswire.ParseCertificateMessage(body, version)
	if err != nil {
		return err
	}
	d := describeCertificates(c)
	f.Detail = d
	if f.Kind == fact.TLSCertificate {
		f.Size = int64(len(c.Entries))
		if len(d.Chain) > 0 {
			f.Text = d.Chain[0].Subject
		}
	}
	return nil
}

func describeCertificateRequest(r *tlswire.CertificateRequest) *fact.CertificateRequest {
	d := &fact.CertificateRequest{SignatureSchemes: schemeNames(r.SignatureSchemes), Context: hex.EncodeToString(r.Context)}
	for _, t := range r.Types { // 255 at most
		d.Types = append(d.Types, tlswire.CertTypeName(t))
	}
	for i, der := range r.Authorities {
		if i == maxNames {
			d.Authorities = append(d.Authorities, more(len(r.Authorities)-maxNames))
			break
		}
		d.Authorities = append(d.Authorities, distinguishedName(der))
	}
	return d
}

func describeServerKeyExchange(k *tlswire.ServerKeyExchange, kx string) *fact.KeyExchange {
	d := &fact.KeyExchange{Kind: kx, Bits: new(big.Int).SetBytes(k.P).BitLen(), Hint: identity(k.Hint)}
	if k.Group != 0 {
		d.Group = tlswire.GroupName(k.Group)
	}
	return d
}

func describeClientKeyExchange(k *tlswire.ClientKeyExchange, kx string) *fact.KeyExchange {
	return &fact.KeyExchange{Kind: kx, Hint: identity(k.Identity)}
}

func describeSessionTicket(t *tlswire.NewSessionTicket) *fact.SessionTicket {
	return &fact.SessionTicket{Lifetime: int(t.Lifetime), Length: len(t.Ticket), EarlyData: int(t.EarlyData)}
}

// identity is the name of a PSK as text where it is text, else as hex; no more than maxText of its bytes.
func identity(b []byte) string {
	cut := b[:min(len(b), maxText)]
	s := string(cut)
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0 {
		return s
	}
	return hex.EncodeToString(cut)
}
