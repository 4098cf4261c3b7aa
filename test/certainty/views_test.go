package certainty

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lunette-waf/lunette/internal/finding"
)

// TestViews looks at each capture with and without secrets: what is certain without must be certain with them, as itself or as a symptom.
func TestViews(t *testing.T) {
	for _, s := range subjects(t) {
		sealed, open := s.whole[false], s.whole[true]
		if len(s.views()) < 2 {
			continue
		}
		for _, f := range sealed.flows {
			for _, x := range f.findings {
				if x.Confidence == finding.Certain && open.knows(f.client.Port(), x.Code) < finding.Certain {
					t.Errorf("%s: certain only without secrets: %s", s.name, words(&x))
				}
			}
		}
	}
}

// TestPortUsedAgain lets one connection follow another on the same ports, and begin while the other is open.
func TestPortUsedAgain(t *testing.T) {
	all := subjects(t)
	for i, s := range all {
		o := all[(i*7+3)%len(all)]
		if len(o.whole[false].flows) > 1 {
			continue // they would become one
		}
		for _, gap := range []int64{1e6, 90e9} {
			second := moved(o.frames, s.frames, gap)
			both := append(append([]frame(nil), s.frames...), second...)
			a := s.look(t, both, false)
			for _, f := range a.flows {
				for _, x := range f.findings {
					if x.Confidence != finding.Certain || slices.ContainsFunc(x.Proof, func(p finding.Proof) bool { return p.Conn != x.Conn }) {
						continue // what two origins do differently at one address is a contrast
					}
					known := s.whole[false]
					other := o.whole[false]
					if known.knowsAny(x.Code) < finding.Certain && other.knowsAny(x.Code) < finding.Certain {
						t.Errorf("%s, then %s %s later on the same ports: %s", s.name, o.name, fmt.Sprint(gap), words(&x))
					}
				}
			}
		}
	}
}

// moved is a capture with the ports and addresses of another, after its end.
func moved(in, like []frame, gap int64) []frame {
	server, to := serverPort(in), serverPort(like)
	client := like[0].Source()
	if client == to {
		client = like[0].Target()
	}
	by := like[len(like)-1].At + gap - in[0].At
	var out []frame
	for _, f := range in {
		g := f.Clone()
		g.At += by
		from, too := client, to
		if f.Source() == server {
			from, too = to, client
		}
		b := g.Data[g.TCP():]
		b[0], b[1], b[2], b[3] = byte(from>>8), byte(from), byte(too>>8), byte(too)
		out = append(out, g)
	}
	return out
}

// knowsAny is knows about any connection.
func (v *view) knowsAny(code finding.Code) finding.Confidence {
	best := finding.Confidence(0)
	for _, f := range v.flows {
		best = max(best, v.knows(f.client.Port(), code))
	}
	return best
}
