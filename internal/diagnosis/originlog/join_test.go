package originlog

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
)

func noon(seconds float64) time.Time {
	return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).Add(time.Duration(seconds * 1e9))
}

// conn is a connection of port that asks for paths, one a second, each answered in 100 ms with status.
func conn(port uint16, start float64, closed bool, status int, paths ...string) Conn {
	c := Conn{ID: uint64(port), Client: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), port), Start: noon(start)}
	at := start
	for _, p := range paths {
		c.Facts = append(c.Facts, fact.Fact{Kind: fact.RequestHead, At: noon(at), Detail: &fact.HTTPHead{Method: "GET", Target: p}})
		if status > 0 {
			c.Facts = append(c.Facts, fact.Fact{Kind: fact.ResponseHead, At: noon(at + 0.1), Detail: &fact.HTTPHead{Status: status}}, fact.Fact{Kind: fact.ResponseDone, At: noon(at + 0.1)})
		}
		at++
	}
	if closed {
		c.Facts = append(c.Facts, fact.Fact{Kind: fact.TCPClosed, At: noon(at)})
	}
	c.End = noon(at)
	return c
}

// line is an entry of a client's port, or without when it is 0.
func entry(format string, port uint16, at float64, when Moment, method, target string, status int) Entry {
	e := Entry{From: netip.AddrPortFrom(netip.MustParseAddr("192.0.2.10"), port), When: when, Code: fmt.Sprint(status)}
	e.At, e.Method, e.Target, e.Status, e.Format = noon(at).Truncate(time.Second), method, target, status, format
	return e
}

func TestJoin(t *testing.T) {
	for _, c := range []struct {
		name    string
		conns   []Conn
		entries []Entry
		want    string // ports of the connections that got lines, with how many
		offset  float64
		other   string // ambiguous, foreign
	}{
		{"by port, behind the end of the capture", []Conn{conn(1, 0, false, 0, "/app")}, []Entry{entry(HTTPErr, 1, 120, During, "", "", 0)}, "1:1", 0, "0 0"},
		{"by port, another port", []Conn{conn(1, 0, false, 0, "/app")}, []Entry{entry(HTTPErr, 2, 120, During, "", "", 0)}, "", 0, "0 1"},
		{"a port that is used again and again", []Conn{conn(1, 0, true, 0, "/app")},
			[]Entry{entry(HTTPErr, 1, -7000, During, "", "", 0), entry(HTTPErr, 1, 97, During, "", "", 0), entry(HTTPErr, 1, 9000, During, "", "", 0)}, "", 0, "0 3"},
		{"the port of yesterday", []Conn{conn(1, 0, true, 200, "/app")}, []Entry{entry(HTTPErr, 1, -86400, During, "", "", 0)}, "", 0, "0 1"},
		{"a clock that is off by three minutes", []Conn{conn(1, 0, true, 200, "/a"), conn(2, 10, true, 200, "/b")},
			[]Entry{entry(Access, 1, 180, Began, "GET", "/a", 200), entry(Access, 2, 190, Began, "GET", "/b", 200)}, "1:1 2:1", 180, "0 0"},
		{"a clock that is a day off, by three connections", []Conn{conn(1, 0, true, 200, "/a"), conn(2, 10, true, 200, "/b"), conn(3, 40, true, 200, "/b")},
			[]Entry{entry(HTTPErr, 1, 86400, During, "GET", "/a", 0), entry(HTTPErr, 2, 86410, During, "GET", "/b", 0), entry(HTTPErr, 3, 86440, During, "GET", "/b", 0)}, "1:1 2:1 3:1", 86400, "0 0"},
		{"local time, one connection", []Conn{conn(1, 0, true, 200, "/a")}, []Entry{entry(ApacheError, 1, 8*3600, During, "", "", 0)}, "1:1", 8 * 3600, "0 0"},
		{"the same port twice", []Conn{conn(1, 0, true, 200, "/a"), conn(1, 100, true, 200, "/a")}, []Entry{entry(HTTPErr, 1, 100.5, During, "", "", 0)}, "1:1", 0, "0 0"},
		{"by request and time", []Conn{conn(1, 0, true, 200, "/a"), conn(2, 20, true, 200, "/a"), conn(3, 40, true, 200, "/b")},
			[]Entry{entry(W3C, 0, 0.1, Ended, "GET", "/a", 200), entry(W3C, 0, 20.1, Ended, "GET", "/A?x=1", 200)}, "1:1 2:1", 0, "0 0"},
		{"by request, another status", []Conn{conn(1, 0, true, 200, "/a")}, []Entry{entry(W3C, 0, 0.1, Ended, "GET", "/a", 403)}, "", 0, "0 1"},
		{"by request, two at once", []Conn{conn(1, 0, true, 200, "/a"), conn(2, 0.2, true, 200, "/a")}, []Entry{entry(W3C, 0, 0.1, Ended, "GET", "/a", 200)}, "", 0, "1 0"},
		{"by request, two lines for one", []Conn{conn(1, 0, true, 200, "/a")}, []Entry{entry(W3C, 0, 0.1, Ended, "GET", "/a", 200), entry(W3C, 0, 0.6, Ended, "GET", "/a", 200)}, "", 0, "2 0"},
		{"no port and no request", []Conn{conn(1, 0, true, 200, "/a")}, []Entry{entry(ApacheError, 0, 0.1, During, "", "", 0)}, "", 0, "0 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := Join(c.conns, c.entries)
			var got []string
			for i, facts := range j.Facts {
				if len(facts) > 0 {
					got = append(got, fmt.Sprintf("%d:%d", c.conns[i].ID, len(facts)))
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("joined %q, want %q", s, c.want)
			}
			if off := j.Clock.Offset.Seconds() - c.offset; off < -1.6 || off > 1.6 {
				t.Errorf("offset %s, want %g s", j.Clock.Offset, c.offset)
			}
			if s := fmt.Sprint(j.Ambiguous, j.Foreign); s != c.other {
				t.Errorf("ambiguous and foreign %q, want %q", s, c.other)
			}
		})
	}
}

// The offset is taken off the times of the facts.
func TestClockIsApplied(t *testing.T) {
	j := Join([]Conn{conn(1, 0, true, 200, "/a"), conn(2, 10, true, 200, "/b")}, []Entry{entry(Access, 1, 180, Began, "GET", "/a", 200), entry(Access, 2, 190, Began, "GET", "/b", 200)})
	for i, want := range []time.Time{noon(0), noon(10)} {
		x := j.Facts[i][0]
		if off := x.At.Sub(want); off.Abs() > time.Second {
			t.Errorf("line %d stands %s off", i, off)
		}
		if l := x.Detail.(*fact.OriginLog); x.Kind != fact.OriginLogged || l.Offset != int64(j.Clock.Offset) || x.Conn != uint64(i+1) {
			t.Errorf("fact %+v", x)
		}
	}
}
