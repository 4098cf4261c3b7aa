package originlog

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
)

// here lets conns lead to this machine.
func here(conns ...Conn) []Conn {
	for i := range conns {
		conns[i].Client = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), conns[i].Client.Port())
		conns[i].Server = netip.MustParseAddrPort("127.0.0.1:443")
	}
	return conns
}

// TestChoose: the line of the very request is found among those of others who asked for the same path, and nothing where it is lacking.
func TestChoose(t *testing.T) {
	failed := func() Conn { return conn(1, 117.3, true, 0, "/?token=x") } // closed without an answer, a second after it asked
	for _, c := range []struct {
		name    string
		conns   []Conn
		entries []Entry
		want    string // port:code of each line that was joined
		other   string // ambiguous, foreign
	}{
		{"an older line of another request", here(failed()), []Entry{entry(NginxAccess, 0, 0.2, Ended, "GET", "/", 200), entry(NginxAccess, 0, 117.4, Ended, "GET", "/?token=x", 444)}, "1:444", "0 1"},
		{"the same, elsewhere", []Conn{failed()}, []Entry{entry(NginxAccess, 0, 0.2, Ended, "GET", "/", 200), entry(NginxAccess, 0, 117.4, Ended, "GET", "/?token=x", 444)}, "1:444", "0 1"},
		{"lines before and after it", here(failed()), []Entry{entry(Access, 0, 60, During, "GET", "/", 200), entry(Access, 0, 117.4, During, "GET", "/", 444), entry(Access, 0, 170, During, "GET", "/", 200)}, "1:444", "0 2"},
		{"its second, and one of the next", here(failed()), []Entry{entry(NginxAccess, 0, 117.4, Ended, "GET", "/?token=x", 444), entry(NginxAccess, 0, 118.4, Ended, "GET", "/", 200)}, "1:444", "1 0"},
		{"an older line alone, on one machine", here(failed()), []Entry{entry(NginxAccess, 0, 0.2, Ended, "GET", "/", 200)}, "", "0 1"},
		{"a later line alone", here(failed()), []Entry{entry(Access, 0, 177, During, "GET", "/", 200)}, "", "0 1"},
		{"tried three times at once", here(conn(1, 0, true, 0, "/a"), conn(2, 0.2, true, 0, "/a"), conn(3, 0.4, true, 0, "/a")),
			[]Entry{entry(NginxAccess, 0, 0.1, Ended, "GET", "/a", 444), entry(NginxAccess, 0, 0.3, Ended, "GET", "/a", 444), entry(NginxAccess, 0, 0.5, Ended, "GET", "/a", 444)}, "1:444 2:444 3:444", "0 0"},
		{"tried twice, three lines", here(conn(1, 0, true, 0, "/a"), conn(2, 0.2, true, 0, "/a")),
			[]Entry{entry(NginxAccess, 0, 0.1, Ended, "GET", "/a", 444), entry(NginxAccess, 0, 0.3, Ended, "GET", "/a", 444), entry(NginxAccess, 0, 0.5, Ended, "GET", "/a", 444)}, "", "3 0"},
		{"late, by how long it took", []Conn{conn(1, 0, true, 0, "/a")}, []Entry{took(entry(W3C, 0, 60.1, Ended, "GET", "/a", 200), 60)}, "1:200", "0 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := Join(c.conns, c.entries)
			var got []string
			for i, facts := range j.Facts {
				for n := range facts {
					got = append(got, fmt.Sprintf("%d:%s", c.conns[i].ID, facts[n].Text))
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("joined %q, want %q", s, c.want)
			}
			if s := fmt.Sprint(j.Ambiguous, j.Foreign); s != c.other {
				t.Errorf("ambiguous and foreign %q, want %q", s, c.other)
			}
			if j.Clock.Offset != 0 {
				t.Errorf("offset %s", j.Clock.Offset)
			}
		})
	}
}

func took(e Entry, seconds float64) Entry {
	e.Took = int64(seconds * 1e9)
	return e
}

// TestFineTimeStays: a line with the port and a time to the microsecond stays where it is, before the end that came 80 µs later; one that
// names seconds does not stand before its connection.
func TestFineTimeStays(t *testing.T) {
	for _, conns := range [][]Conn{here(conn(1, 0.5, true, 0, "/a")), {conn(1, 0.5, true, 0, "/a")}} {
		e := entry(ApacheError, 1, 0, During, "", "", 0)
		e.From, e.At, e.Fine = conns[0].Client, noon(0.566479), true
		j := Join(conns, []Entry{e})
		if len(j.Facts[0]) != 1 || !j.Facts[0][0].At.Equal(noon(0.566479)) || j.Clock.Offset != 0 {
			t.Errorf("%+v, clock %+v", j.Facts[0], j.Clock)
		}
		e.At, e.Fine = noon(0), false
		j = Join(conns, []Entry{e})
		if len(j.Facts[0]) != 1 || j.Facts[0][0].At.Before(conns[0].Start) || j.Facts[0][0].Kind != fact.OriginLogged {
			t.Errorf("%+v, clock %+v", j.Facts[0], j.Clock)
		}
	}
}
