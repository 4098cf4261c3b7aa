package check_test

import (
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/test/checktest"
)

func TestDial(t *testing.T) {
	const flow = "flow 1 192.0.2.10:50001 > 192.0.2.20:443 watched=packets,records"
	for _, c := range []struct {
		name, facts string
		want        check.Dialled
		at          int
		took        time.Duration
	}{
		{"connected", "\n0 client tcp_syn\n0.01 server tcp_syn_ack\n0.02 client tcp_connected", check.DialConnected, 2, 20 * time.Millisecond},
		{"midstream", "\n0 client tcp_midstream\n0.5 server application_data", check.DialConnected, -1, 500 * time.Millisecond},
		{"refused", "\n0 client tcp_syn\n0.01 server tcp_reset", check.DialRefused, 1, 10 * time.Millisecond},
		{"refused, live", "\n1 client tcp_failed text=ECONNREFUSED size=10ms", check.DialRefused, 0, 10 * time.Millisecond},
		{"port unreachable", "\n0 client tcp_syn\n0.01 client icmp_unreachable code=771 text=\"port unreachable\"", check.DialRefused, 1, 10 * time.Millisecond},
		{"prohibited", "\n0 client tcp_syn\n0.01 client icmp_unreachable code=781 text=\"communication administratively prohibited\"", check.DialUnreachable, 1, 10 * time.Millisecond},
		{"no route, live", "\n1 client tcp_failed text=EHOSTUNREACH size=3s", check.DialUnreachable, 0, 3 * time.Second},
		{"unanswered", "\n0 client tcp_syn\n1 client tcp_retransmission code=1 text=syn\nend 4", check.DialUnanswered, 1, 4 * time.Second},
		{"a lone SYN", "\n0 client tcp_syn\n0 server silence size=6s text=syn_ack", check.DialUnanswered, -1, 6 * time.Second},
		{"a lone SYN, soon over", "\n0 client tcp_syn\nend 1", check.DialUnknown, -1, time.Second},
		{"unanswered, live", "\n5 client tcp_failed text=timeout size=5s", check.DialUnanswered, 0, 5 * time.Second},
		{"no port, live", "\n0 client tcp_failed text=EADDRNOTAVAIL", check.DialNoPort, 0, 0},
		{"by reason alone", " reason=tcp.no_route", check.DialUnreachable, -1, 0},
		{"nothing", "", check.DialUnknown, -1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, err := checktest.Parse(flow + c.facts)
			if err != nil {
				t.Fatal(err)
			}
			if how, at := k.Flow.Dial(); how != c.want || at != c.at {
				t.Errorf("Dial is %d at %d, want %d at %d", how, at, c.want, c.at)
			}
			if took := k.Flow.Dialling(); took != c.took {
				t.Errorf("Dialling is %v, want %v", took, c.took)
			}
		})
	}
}
