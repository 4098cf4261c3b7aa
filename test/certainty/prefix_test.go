package certainty

import (
	"fmt"
	"slices"
	"testing"
)

// TestCutShort ends each capture after each packet, at once and just before the next one, which is as long as the silence lasted.
func TestCutShort(t *testing.T) {
	for _, s := range subjects(t) {
		for _, n := range some(len(s.frames), 12, s.name) {
			for _, keyed := range s.views() {
				s.hold(t, s.frames[:n], keyed, fmt.Sprintf("%d of %d packets", n, len(s.frames)))
				if n > 0 && s.frames[n].At-s.frames[n-1].At > 1e6 {
					until := append(slices.Clone(s.frames[:n]), bystander(s.frames[n].At-1000))
					s.hold(t, until, keyed, fmt.Sprintf("%d of %d packets, watched until the next", n, len(s.frames)))
				}
			}
		}
	}
}
