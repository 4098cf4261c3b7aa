package oracle_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/captures"
)

// row is a capture in which tshark 4.0 is wrong or cannot, and where the truth is from.
type row struct {
	captures []string
	with     string // the secrets; several parted by spaces
	why      string

	options []string // with these tshark gets further
	client  string   // this capture is of the same connection: tshark's application data of the client there is the truth
	garbage int      // bytes at the start of the server's application data that tshark deciphers wrongly
	adds    []string // events that tshark does not see, as "22 client alert 1 0"
}

// Options that let tshark get further where something is lost.
var (
	noWaiting  = []string{"-o", "tcp.reassemble_out_of_order:FALSE"} // or it waits for the lost segment for ever
	noCheck    = []string{"-o", "tls.ignore_ssl_mac_failed:TRUE"}    // or MACs and tags fail by the sequence number
	bestEffort = slices.Concat(noWaiting, noCheck)
)

func rows() []row {
	const ignoresLoss = "tshark does not look for the place after lost records, so their MACs and tags fail"
	return []row{
		{captures: []string{"damaged_gcm_lost_server_record", "damaged_cbc_lost_server_record", "damaged_tls10cbc_lost_server_record"}, with: withNothing,
			why: "told to put segments in order, tshark waits for a lost one for ever", options: noWaiting},
		{captures: []string{"damaged_gcm_lost_server_record", "damaged_cbc_lost_server_record"}, with: withLog + " " + withKey,
			why: ignoresLoss, options: bestEffort},
		{captures: []string{"damaged_tls10cbc_lost_server_record"}, with: withKey,
			why: ignoresLoss + "; the first block is chained to the lost record and nobody can open it", options: bestEffort, garbage: 16},
		{captures: []string{"damaged_gcm_no_cke"}, with: withLog,
			why: "with the ChangeCipherSpec of the client lost, tshark takes its records for being in clear", client: "damaged_gcm_disorder_dup"},
		{captures: []string{"client_pha_sclient"}, with: withLog,
			why:  "tshark takes the Finished of post-handshake authentication for that of the handshake and counts the client's records from 0 again",
			adds: []string{"22 client alert 1 0"}},
	}
}

// rowOf returns the row for a capture and its secrets, nil when tshark is right.
func rowOf(name, with string) *row {
	for _, r := range rows() {
		if slices.Contains(r.captures, name) && slices.Contains(strings.Fields(r.with), with) {
			return &r
		}
	}
	return nil
}

// correct returns what tshark should have said.
func (r *row) correct(t *testing.T, mine *reading, with string, theirs []*stream) []*stream {
	t.Helper()
	if r.options != nil {
		theirs = askTshark(t, []*reading{mine}, with, r.options...)[mine]
	}
	if len(theirs) != 1 {
		t.Fatalf("a row is for captures of one connection, not %d", len(theirs))
	}
	s := *theirs[0]
	s.sent = maps.Clone(s.sent)
	if r.client != "" {
		c := captures.Find(t, r.client)
		twin := read(t, &c, with)
		s.sent[s.ports[fact.SideClient]] = onlyOne(t, askTshark(t, []*reading{twin}, with)[twin]).by(fact.SideClient)
	}
	if server := s.ports[fact.SideServer]; r.garbage > 0 && len(s.sent[server]) > r.garbage {
		s.sent[server] = bytes.Clone(s.sent[server][r.garbage:])
	}
	s.events = slices.Clone(s.events)
	for _, text := range r.adds {
		var e timed
		number, what, _ := strings.Cut(text, " ")
		if _, err := fmt.Sscan(number, &e.frame); err != nil {
			t.Fatal(err)
		}
		e.what = what
		s.events = append(s.events, e)
	}
	slices.SortStableFunc(s.events, func(a, b timed) int { return cmp.Compare(a.frame, b.frame) })
	return []*stream{&s}
}

func onlyOne(t *testing.T, all []*stream) *stream {
	t.Helper()
	if len(all) != 1 {
		t.Fatalf("%d connections, not one", len(all))
	}
	return all[0]
}

// by is the application data of one side.
func (s *stream) by(side fact.Side) []byte { return s.sent[s.ports[side]] }

// TestRows holds that no row is about a capture that is not there.
func TestRows(t *testing.T) {
	for _, r := range rows() {
		for _, name := range r.captures {
			captures.Find(t, name)
		}
	}
}
