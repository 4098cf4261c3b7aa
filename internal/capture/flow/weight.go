package flow

import "github.com/lunette-waf/lunette/internal/fact"

// What things count for in Config.Budget, bytes: roughly what they take.
const (
	factWeight        = 160 // with the place that slices keep free
	fieldWeight       = 48
	certificateWeight = 1024
)

// Weight is how many bytes of Config.Budget the flow holds; who forgets it gives them back.
func (f *Flow) Weight() int {
	n := 0
	for i := range f.Facts {
		n += weightOf(&f.Facts[i])
	}
	for _, e := range f.Exchanges {
		n += e.Weight()
	}
	return n
}

func weightOf(f *fact.Fact) int {
	n := factWeight + len(f.Text)
	switch d := f.Detail.(type) {
	case *fact.HTTPHead:
		n += weightOfHead(d)
	case *fact.ClientHello:
		n += 512 + 16*(len(d.Suites)+len(d.Groups)+len(d.SignatureSchemes)+len(d.Extensions)+len(d.KeyShares)+len(d.Versions)+len(d.ALPN))
	case *fact.ServerHello:
		n += 512
	case *fact.Certificates:
		for i := range d.Chain {
			n += certificateWeight + 64*len(d.Chain[i].Names)
		}
	case *fact.CertificateRequest:
		n += 256 + 128*len(d.Authorities)
	}
	return n
}

func weightOfHead(h *fact.HTTPHead) int {
	if h == nil {
		return 0
	}
	n := 192 + len(h.Target) + len(h.Authority)
	for i := range h.Fields {
		n += fieldWeight + len(h.Fields[i].Name) + len(h.Fields[i].Value)
	}
	return n
}
