package evidence

import (
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/recording"
)

func TestFromRecorded(t *testing.T) {
	tests := []struct {
		name    string
		connect time.Duration
		f       flow.Flow
		want    check.Watched
	}{
		{"not connected", -1, flow.Flow{}, 0},
		{"nothing said", 0, flow.Flow{}, check.Records},
		{"in clear", 1, flow.Flow{Protocol: flow.ProtocolHTTP}, check.Records | check.Plain},
		{"opened", 1, flow.Flow{Protocol: flow.ProtocolTLS, TLS: &decrypt.Info{ServerName: "a.example", Why: decrypt.WhyNot}}, check.Records | check.Plain},
		{"sealed", 1, flow.Flow{Protocol: flow.ProtocolTLS, TLS: &decrypt.Info{Why: "no_secrets"}}, check.Records},
	}
	for _, test := range tests {
		r := &recording.Recording{ID: 4, Connect: test.connect, Purpose: "sni_none", Start: time.Unix(1, 0), End: time.Unix(5, 0)}
		got := FromRecorded(&test.f, r)
		if got.Watched != test.want || got.Conn != 4 || got.Purpose != "sni_none" || !got.Ours || !got.End.Equal(r.End) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}
