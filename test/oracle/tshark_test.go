package oracle_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/test/peer"
)

// stream is one connection as tshark sees it.
type stream struct {
	ports  [3]string         // by fact.Side; the client's is the one that is no server port
	frames []int64           // with TLS in them
	events []timed           // in the order of the frames
	marks  []timed           // the same, and before those of each handshake record one that says so
	sent   map[string][]byte // application data by the port that sent it
}

// timed is an event with its place.
type timed struct {
	frame int64
	what  string
}

// shift moves all places by n frames.
func (s *stream) shift(n int64) {
	for i := range s.frames {
		s.frames[i] += n
	}
	for i := range s.events {
		s.events[i].frame += n
	}
	for i := range s.marks {
		s.marks[i].frame += n
	}
}

// tshark reads a capture with the given options and returns its connections by their number. ports are those of the servers.
func tshark(t testing.TB, path string, streams int, ports []string, options ...string) map[int]*stream {
	t.Helper()
	args := []string{"-n", "-r", path, "-o", "tcp.reassemble_out_of_order:TRUE", "-T", "pdml", "-J", "tcp tls", "-Y", "tls"}
	for _, p := range ports {
		args = append(args, "-d", "tcp.port=="+p+",tls", "-d", "tls.port=="+p+",http")
	}
	for i := range streams {
		args = append(args, "-z", fmt.Sprintf("follow,tls,raw,%d", i))
	}
	cmd := exec.Command(peer.Need(t, "tshark", "tshark"), append(args, options...)...)
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark %s: %v\n%s", strings.Join(cmd.Args[1:], " "), err, problems.String())
	}
	r := &pdml{streams: map[int]*stream{}, ports: ports}
	lines := bufio.NewReader(bytes.NewReader(out))
	for {
		line, err := lines.ReadString('\n')
		r.line(strings.TrimRight(line, "\n"))
		if err == io.EOF {
			return r.streams
		}
	}
}

// pdml takes tshark's output line by line: packets as PDML, then the application data of each connection.
type pdml struct {
	streams map[int]*stream
	ports   []string

	frame    int64
	from, to string
	at       *stream
	level    string // of the alert at hand

	following bool
	node      string // port of "Node 0"
}

func (r *pdml) line(line string) {
	switch text := strings.TrimLeft(line, " "); {
	case strings.HasPrefix(line, "Follow: "):
		r.following, r.at = true, nil
	case r.following:
		r.follow(line)
	case strings.HasPrefix(text, "<field name=\""):
		r.field(attribute(text, "name"), text)
	}
}

// field takes a field of a packet.
func (r *pdml) field(name, text string) {
	switch name {
	case "num":
		r.frame, _ = strconv.ParseInt(attribute(text, "show"), 10, 64)
	case "tcp.srcport":
		r.from = attribute(text, "show")
	case "tcp.dstport":
		r.to = attribute(text, "show")
	case "tcp.stream":
		n, _ := strconv.Atoi(attribute(text, "show"))
		if r.at = r.streams[n]; r.at == nil {
			r.at = &stream{sent: map[string][]byte{}, ports: [3]string{fact.SideClient: r.from, fact.SideServer: r.to}}
			if !slices.Contains(r.ports, r.to) {
				r.at.ports = [3]string{fact.SideClient: r.to, fact.SideServer: r.from}
			}
			r.streams[n] = r.at
		}
		r.at.frames = append(r.at.frames, r.frame)
	case "tls.record.content_type":
		if attribute(text, "show") == "22" {
			r.mark(handshakeRecord)
		}
	case "tls.change_cipher_spec":
		r.event("change_cipher_spec")
	case "tls.handshake.type":
		r.event("handshake " + attribute(text, "show"))
	case "tls.handshake":
		if strings.HasSuffix(attribute(text, "showname"), "Encrypted Handshake Message") {
			r.event("encrypted handshake")
		}
	case "tls.alert_message":
		if strings.HasSuffix(attribute(text, "showname"), "Encrypted Alert") {
			r.event("encrypted alert")
		}
	case "tls.alert_message.level":
		r.level = attribute(text, "show")
	case "tls.alert_message.desc":
		r.event("alert " + r.level + " " + attribute(text, "show"))
	}
}

func (r *pdml) event(what string) { r.at.events = append(r.at.events, r.mark(what)) }

func (r *pdml) mark(what string) timed {
	side := fact.SideClient
	if r.from == r.at.ports[fact.SideServer] {
		side = fact.SideServer
	}
	e := timed{r.frame, side.String() + " " + what}
	r.at.marks = append(r.at.marks, e)
	return e
}

const handshakeRecord = "handshake record"

// sealed is the stream as it is without any key, with each handshake record behind a side's ChangeCipherSpec told as an encrypted one.
// tshark takes some of them for the beginning of a message in clear, where the ciphertext happens to look like one.
func (s *stream) sealed() *stream {
	out := *s
	out.events = nil
	changed := map[string]bool{}
	inSealed := false
	for _, e := range s.marks {
		side, what, _ := strings.Cut(e.what, " ")
		switch {
		case what == handshakeRecord:
			if inSealed = changed[side]; inSealed {
				out.events = append(out.events, timed{e.frame, side + " encrypted handshake"})
			}
		case inSealed && strings.Contains(what, "handshake"):
		default:
			changed[side] = changed[side] || what == "change_cipher_spec"
			out.events = append(out.events, e)
		}
	}
	return &out
}

// follow takes a line of application data: hexadecimal, behind a tab when "Node 0" received it.
func (r *pdml) follow(line string) {
	switch {
	case strings.HasPrefix(line, "Filter: tcp.stream eq "):
		n, _ := strconv.Atoi(strings.TrimPrefix(line, "Filter: tcp.stream eq "))
		r.at = r.streams[n]
	case strings.HasPrefix(line, "Node 0: "):
		r.node = line[strings.LastIndexByte(line, ':')+1:]
	case r.at == nil || line == "" || strings.HasPrefix(line, "=") || strings.HasPrefix(line, "Node 1: "):
	default:
		from := r.node
		if line[0] == '\t' {
			from = r.at.ports[fact.SideClient]
			if r.node == from {
				from = r.at.ports[fact.SideServer]
			}
		}
		if b, err := hex.DecodeString(strings.TrimPrefix(line, "\t")); err == nil {
			r.at.sent[from] = append(r.at.sent[from], b...)
		}
	}
}

// attribute returns the value of an attribute of one element of PDML, which has each on a line of its own.
func attribute(text, name string) string {
	_, rest, _ := strings.Cut(text, " "+name+"=\"")
	value, _, _ := strings.Cut(rest, "\"")
	return value
}
