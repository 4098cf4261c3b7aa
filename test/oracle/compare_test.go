package oracle_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/fact"
)

// differences are what Lunette and tshark disagree on.
func differences(mine []*seen, theirs []*stream) []string {
	var out []string
	left := slices.Clone(theirs)
	for _, one := range mine {
		i := slices.IndexFunc(left, func(s *stream) bool { return s.is(one) })
		if i < 0 {
			out = append(out, fmt.Sprintf("%v to %v: tshark has no such connection with TLS in it", one.Client, one.Server))
			continue
		}
		out = append(out, differ(one, left[i])...)
		left = slices.Delete(left, i, i+1)
	}
	for _, s := range left {
		out = append(out, fmt.Sprintf("tshark sees TLS between %v, from frame %d on, and Lunette does not", s.ports, s.frames[0]))
	}
	return out
}

// is reports whether both are the same connection: ports are used again.
func (s *stream) is(one *seen) bool {
	return s.ports[fact.SideClient] == port(one.Client.Port()) && s.ports[fact.SideServer] == port(one.Server.Port()) &&
		s.frames[0] >= one.Start.Frame && s.frames[0] <= one.End.Frame
}

func port(n uint16) string { return strconv.Itoa(int(n)) }

// differ is differences for one connection.
func differ(mine *seen, theirs *stream) []string {
	var out []string
	if !slices.EqualFunc(mine.events, theirs.events, func(a, b timed) bool { return a.what == b.what }) {
		out = append(out, "messages, tshark's on the right:\n"+sideBySide(mine.events, theirs.events))
	}
	for _, side := range []fact.Side{fact.SideClient, fact.SideServer} {
		a, b := mine.sent[side], theirs.sent[theirs.ports[side]]
		if sha256.Sum256(a) != sha256.Sum256(b) {
			out = append(out, fmt.Sprintf("application data of the %s: %d bytes %s, tshark has %d bytes %s", side, len(a), excerpt(a), len(b), excerpt(b)))
		}
	}
	return out
}

func excerpt(b []byte) string {
	if len(b) > 150 {
		return fmt.Sprintf("%.70q…%.70q", b[:70], b[len(b)-70:])
	}
	return fmt.Sprintf("%q", b)
}

// sideBySide sets two lists of events beside one another.
func sideBySide(a, b []timed) string {
	var out strings.Builder
	for i := range max(len(a), len(b)) {
		cell := func(l []timed) string {
			if i < len(l) {
				return fmt.Sprintf("%4d %s", l[i].frame, l[i].what)
			}
			return ""
		}
		mark := " "
		if i >= len(a) || i >= len(b) || a[i].what != b[i].what {
			mark = "*"
		}
		fmt.Fprintf(&out, "  %s %-34s | %s\n", mark, cell(a), cell(b))
	}
	return out.String()
}

func hash(b []byte) [sha256.Size]byte { return sha256.Sum256(b) }
