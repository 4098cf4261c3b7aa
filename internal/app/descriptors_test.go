package app

import (
	"testing"

	"github.com/lunette-waf/lunette/internal/config"
)

func TestConnectionsFitDescriptors(t *testing.T) {
	for _, tt := range []struct {
		files   uint64
		in, out []int
		lowered int
	}{
		{0, []int{65536}, []int{65536}, 0},
		{1 << 19, []int{65536, 65536}, []int{65536, 65536}, 0},
		{1200, []int{65536, 100}, []int{400, 100}, 400},
		{1200, []int{0}, []int{800}, 800},
		{^uint64(0), []int{0}, []int{1 << 30}, 1 << 30},
	} {
		listen := make([]config.Listener, len(tt.in))
		for i, n := range tt.in {
			listen[i].Limits.Connections = n
		}
		if got := boundConnections(listen, tt.files); got != tt.lowered {
			t.Errorf("%+v: lowered to %d", tt, got)
		}
		for i, want := range tt.out {
			if got := listen[i].Limits.Connections; got != want {
				t.Errorf("%+v: listener %d got %d", tt, i, got)
			}
		}
	}
}
