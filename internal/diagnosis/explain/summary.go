package explain

import (
	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// omitted says what a flow did not keep.
func (t *texter) omitted(f *flow.Flow) {
	if n := int64(f.Omitted); n > 0 {
		t.about(warn, several(n, "more event")+" were not kept")
	}
	if n := int64(f.ExchangesOmitted); n > 0 {
		t.about(warn, several(n, "more exchange")+" were not kept")
	}
}

// end writes the totals and what to do next.
func (t *texter) end(told, shown []int) {
	tls, opened, closed := 0, 0, 0
	for _, i := range told {
		f := t.c.Flows[i]
		if f.TLS == nil {
			continue
		}
		tls++
		switch f.TLS.Why {
		case decrypt.WhyNot:
			opened++
		case decrypt.WhyNoHandshake:
		default:
			closed++
		}
	}
	t.blank()
	t.about(usual, several(int64(len(told)), "flow")+when(tls > 0, ", "+grouped(int64(tls))+" with TLS: "+grouped(int64(opened))+" decrypted, "+grouped(int64(closed))+" not"))
	if len(told) == 0 {
		t.about(warn, t.none())
	}
	t.summedUp(told)
	if len(shown) < len(told) {
		ladders := "nothing stands out, so that no ladder is shown"
		if len(shown) > 0 {
			ladders = several(int64(len(shown)), "ladder") + " of those with trouble"
		}
		t.about(usual, ladders+": --flow N shows another one, --all all of them, --filter 'host=… port=…' leaves fewer")
	}
	if closed > 0 {
		t.about(usual, "\"lunette keys\" says how to get secrets")
	}
	for i := range t.c.Files {
		if f := &t.c.Files[i]; f.Damage != nil {
			t.about(bad, clean(f.Name)+" is damaged: above is what stands before offset "+grouped(f.Damage.Offset)+"; "+clean(f.Damage.What))
		}
	}
}

// none says why there may be no flow.
func (t *texter) none() string {
	switch {
	case t.c.Packets == 0:
		return "there is no packet in it: the capture saw nothing, or was stopped before it wrote"
	case t.c.Connections > 0:
		return "no connection fits the filter"
	}
	return "there is no TCP connection in it: another interface, or a capture filter that left it out"
}
