package explain

import (
	"io"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// texter writes text for people.
type texter struct {
	w     sink
	c     *Capture
	o     Options
	style style
	mends map[finding.Code]int // number of the flow below which the mends of a cause stand already
}

// Text writes c for people: what was read, then each flow as a ladder. Of more than 20 flows it writes a table, and the ladders of
// those that have trouble.
func Text(w io.Writer, c *Capture, o Options) error {
	o = o.filled()
	t := texter{w: newSink(w), c: c, o: o, style: style{o.Color, o.ASCII}, mends: map[finding.Code]int{}}
	t.capture()
	var told []int // indices in c.Flows
	for i := range c.Flows {
		if c.wanted(i) {
			told = append(told, i)
		}
	}
	shown := told
	if len(told) > fewFlows && !o.All {
		t.table(told)
		shown = t.worst(told)
	}
	for _, i := range shown {
		t.blank()
		f := c.Flows[i]
		t.head(c.number(i), f)
		t.ladder(f, fold(marked(rowsOf(f, false, t.clock(f)), c.result(i), f), len(f.Exchanges), o.All))
		t.omitted(f)
		t.causes(i)
		if t.o.Bodies {
			t.bodies(f)
		}
	}
	t.end(told, shown)
	return t.w.done()
}

// clock writes moments of a flow as the options want it.
func (t *texter) clock(f *flow.Flow) func(at int64) string {
	if !t.o.Absolute {
		return sinceStart(f)
	}
	return func(at int64) string { return fact.Stamp{At: at}.Time().In(t.o.Location).Format(clockLayout) }
}

func sinceStart(f *flow.Flow) func(at int64) string {
	return func(at int64) string { return seconds(at - f.Start.At) }
}

const clockLayout = "15:04:05.000000"

// line writes clean text in one colour.
func (t *texter) line(sgr, text string) {
	t.w.put(t.style.paint(sgr, t.style.text(text)))
	t.w.put("\n")
}

func (t *texter) blank() { t.w.put("\n") }

// capture writes what was read.
func (t *texter) capture() {
	for i := range t.c.Files {
		f := &t.c.Files[i]
		t.line(sgrBold, cut(when(len(t.c.Files) > 1, strconv.Itoa(i+1)+"# ")+clean(f.Name), t.o.Width))
		t.about(routine, joined(", ", fileFormat(&f.Info), links(&f.Info), several(f.Packets, "packet"), clean(f.Info.Application)))
	}
	if t.c.Packets > 0 {
		start := t.c.Start.Time().In(t.o.Location).Format("2006-01-02 15:04:05.000 MST")
		t.about(routine, joined(", ", several(t.c.Connections, "connection"), volume(t.c.Bytes), span(t.c.End.At-t.c.Start.At)+" from "+start, when(t.c.Filter != "", "filter "+clean(t.c.Filter))))
	}
	if t.c.Secrets.Given() || slices.ContainsFunc(t.c.Flows, func(f *flow.Flow) bool { return f.TLS != nil }) {
		t.about(routine, t.c.Secrets.text())
	}
	if n := t.c.variants(); n > 0 {
		t.about(usual, "made by lunette doctor: "+several(int64(n), "variant")+", which are evidence and have no causes of their own")
	}
	for _, w := range t.c.Warnings {
		t.about(bad, "warning: "+clean(w))
	}
}

func fileFormat(i *pcap.Info) string { return clean(i.Format) + when(i.Compressed, ", gzip") }

// links are the link types of a file.
func links(i *pcap.Info) string {
	var names []string
	for _, in := range i.Interfaces {
		if name := linkName(in.Link); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return few(names, 3)
}

func linkName(l pcap.LinkType) string {
	switch l {
	case pcap.LinkNull, pcap.LinkLoop:
		return "loopback"
	case pcap.LinkEthernet:
		return "Ethernet"
	case pcap.LinkRaw12, pcap.LinkRaw14, pcap.LinkRaw, pcap.LinkIPv4, pcap.LinkIPv6:
		return "raw IP"
	case pcap.LinkSLL:
		return "Linux cooked v1"
	case pcap.LinkSLL2:
		return "Linux cooked v2"
	}
	return "link type " + strconv.Itoa(int(l))
}

func (s *Secrets) text() string {
	if !s.Given() {
		return "no secrets to decrypt with"
	}
	psks := ""
	if s.PSKs > 0 {
		psks = several(int64(s.PSKs), "pre-shared key")
	}
	inside := ""
	if s.Inside > 0 {
		inside = several(int64(s.Inside), "secret") + " in the capture itself"
	}
	return "secrets: " + joined(", ", named("key log", s.KeyLogs), named("private key", s.Keys), psks, inside)
}

func named(what string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	var short []string
	for _, n := range names {
		short = append(short, filepath.Base(n))
	}
	return what + " " + clean(few(short, 3))
}
