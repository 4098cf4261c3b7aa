package analysis

import (
	"cmp"
	"slices"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
)

// flowWeight is how many bytes a flow counts for beside its facts and exchanges.
const flowWeight = 2 << 10

// keeper keeps the flows whose first packets came first, so that what is kept does not depend on who was done first.
type keeper struct {
	most    int
	flows   []*flow.Flow // with data
	bare    []*flow.Flow // without a byte of data
	omitted int64
	lacking map[tuple]bool // connections that another pass may open
}

// bareShare is the part of the flows that may be without data: one in so many.
const bareShare = 20

// maxLacking bounds the connections that another pass would look at.
const maxLacking = 200_000

// add keeps f and returns the flows that made room.
func (k *keeper) add(f *flow.Flow) []*flow.Flow {
	if f.Bytes == [3]int64{} {
		return k.into(&k.bare, f, max(1, k.most/bareShare))
	}
	return k.into(&k.flows, f, k.most)
}

func (k *keeper) into(list *[]*flow.Flow, f *flow.Flow, most int) []*flow.Flow {
	*list = append(*list, f)
	if len(*list) < 2*most {
		return nil
	}
	return k.cut(list, most)
}

// cut leaves the first flows of a list in their order.
func (k *keeper) cut(list *[]*flow.Flow, most int) []*flow.Flow {
	byID(*list)
	if len(*list) <= most {
		return nil
	}
	gone := slices.Clone((*list)[most:])
	clear((*list)[most:])
	*list = (*list)[:most]
	k.omitted += int64(len(gone))
	return gone
}

func byID(flows []*flow.Flow) {
	slices.SortFunc(flows, func(a, b *flow.Flow) int { return cmp.Compare(a.ID, b.ID) })
}

// merge takes over what another keeper kept.
func (k *keeper) merge(o *keeper) {
	k.flows = append(k.flows, o.flows...)
	k.bare = append(k.bare, o.bare...)
	k.omitted += o.omitted
	for t := range o.lacking {
		k.remember(t)
	}
}

// all returns what is kept, in order.
func (k *keeper) all() []*flow.Flow {
	k.cut(&k.flows, k.most)
	k.cut(&k.bare, max(1, k.most/bareShare))
	out := slices.Concat(k.flows, k.bare)
	byID(out)
	return out
}

func (k *keeper) lack(f *flow.Flow) { k.remember(tupleOf(f.Client, f.Server)) }

func (k *keeper) remember(t tuple) {
	if k.lacking == nil {
		k.lacking = map[tuple]bool{}
	}
	if len(k.lacking) < maxLacking {
		k.lacking[t] = true
	}
}

// lacksSecrets reports whether secrets that come later could open more of f.
func lacksSecrets(f *flow.Flow) bool {
	if f.TLS == nil {
		return false
	}
	switch f.TLS.Why {
	case decrypt.WhyNoSecrets, decrypt.WhyNoSecret, decrypt.WhyEphemeral, decrypt.WhyWrongKey, decrypt.WhyResumed,
		decrypt.WhyLaterHandshake, decrypt.WhyStartMissing, decrypt.WhyNoHello:
		return true
	}
	return false
}
