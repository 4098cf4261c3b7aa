package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
)

// capture is what analysis reports, as explain wants it.
func (e *explainFlags) capture(r *analysis.Report) *explain.Capture {
	c := &explain.Capture{Start: r.Start, End: r.End, Packets: r.Packets.All, Bytes: r.Packets.Bytes, Connections: r.Connections, Flows: r.Flows,
		OmittedFlows: r.Omitted, OmittedFacts: r.OmittedFacts, Warnings: r.Warnings, Locate: r.Locate, Program: version(), Filter: strings.Join(e.filters, " ")}
	for i := range r.Inputs {
		in := &r.Inputs[i]
		c.Files = append(c.Files, explain.File{Name: in.Name, Info: in.Info, Packets: in.Packets, Damage: in.Damage})
	}
	c.Secrets = explain.Secrets{KeyLogs: e.secrets.keylogs, Keys: e.secrets.keys, PSKs: len(e.secrets.psks)}
	for i := range r.Secrets {
		c.Secrets.Inside += r.Secrets[i].Secrets
	}
	return c
}

// remarks says on stderr what programs that read the output would not see in it, or too late.
func (e *explainFlags) remarks(stderr io.Writer, all ...*explain.Capture) {
	handshakes, wrong, used := 0, 0, false
	for _, c := range all {
		if e.format != "text" {
			for _, w := range c.Warnings {
				_, _ = fmt.Fprintf(stderr, "lunette: %s\n", printable(w))
			}
		}
		if len(c.Flows) == 0 && len(e.filters) > 0 && c.Connections > 0 {
			_, _ = fmt.Fprintf(stderr, "lunette: no flow fits --filter; without it there are %s\n", counted(int(c.Connections), "connection"))
		}
		for _, f := range c.Flows {
			if f.TLS != nil && f.TLS.Version != 0 && f.TLS.Why != decrypt.WhyNoHandshake {
				handshakes++
				used = used || f.TLS.Source == "key log"
				if f.TLS.Why == decrypt.WhyWrongSecret {
					wrong++
				}
			}
		}
	}
	switch logs := e.secrets.keylogs; {
	case len(logs) == 0 || handshakes == 0 || used:
	case wrong > 0:
		_, _ = fmt.Fprintf(stderr, "lunette: %s has %s, and those for %s of this capture do not open the records: the log was altered after it was written\n",
			printable(strings.Join(logs, ", ")), counted(e.secrets.inLogs, "secret"), counted(wrong, "connection"))
	default:
		_, _ = fmt.Fprintf(stderr, "lunette: %s has %s, none is for a handshake in this capture: the log must come from one of the two programs that spoke, and run while they did\n",
			printable(strings.Join(logs, ", ")), counted(e.secrets.inLogs, "secret"))
	}
}
