package cli

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	checks "github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/store"
)

// findingOf is the finding of the sample; without one, what the store knows of it and the manual says.
func findingOf(n *store.Incident, b *incident.Bundle) *finding.Finding {
	if b != nil && b.Document.Finding != nil && string(b.Document.Finding.Code) == n.Cause {
		return &b.Document.Finding.Finding
	}
	f := &finding.Finding{Code: finding.Code(n.Cause), Title: n.Title, Summary: incident.WithoutQueries(n.Summary), Severity: max(incident.ParseSeverity(n.Severity), finding.Info),
		Confidence: max(incident.ParseConfidence(n.Confidence), finding.Possible)}
	host, port := originOf(n.Origin)
	for _, c := range diagnosis.Checks() {
		if c.Code == f.Code {
			f.Mends, f.Sources = slices.Clone(c.Mends), c.Sources
			for i := range f.Mends {
				m := &f.Mends[i]
				m.Do, m.Lines = checks.Filled(m.Do, n.Site, host, port), checks.Filled(m.Lines, n.Site, host, port)
			}
		}
	}
	return f
}

// originOf takes the URL or the address of an origin apart; 0 for a port that is not known.
func originOf(origin string) (host string, port uint16) {
	if at, err := netip.ParseAddrPort(origin); err == nil {
		return at.Addr().String(), at.Port()
	}
	u, err := url.Parse(origin)
	if err != nil {
		return "", 0
	}
	usual := map[string]uint16{"http": 80, "https": 443}[u.Scheme]
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		usual = uint16(n)
	}
	return u.Hostname(), usual
}

// causeLines tell the cause, and what mends it: first of all what a trial demonstrated, and then no other settings of the gateway.
func causeLines(n *store.Incident, b *incident.Bundle) []string {
	f := *findingOf(n, b)
	if f.Conn == 0 && len(f.Mends) == 0 && n.Confidence == "" { // no check could say more than the reason does
		return append(append([]string{n.Cause + " · " + f.Severity.String() + " · no check could tell the cause", "  " + n.Title}, lookFirst(n)...), cureLines(n)...)
	}
	sure := f.Confidence.String()
	if n.Proven != "" {
		f.Mends = slices.DeleteFunc(slices.Clone(f.Mends), func(m finding.Mend) bool { return n.Cure != "" && m.On == finding.Lunette })
		f.Settle = ""
	}
	if f.Settle != "" {
		f.Settle = withDoctor(f.Settle, n)
	}
	lines := f.Lines()
	if n.Proven == "" {
		return lines
	}
	lines[0] = strings.Replace(lines[0], " · "+sure+" · ", " · "+incident.Demonstrated+" · ", 1)
	cure := cureLines(n)
	for i := range cure {
		cure[i] = "  " + cure[i]
	}
	return slices.Insert(lines, min(2, len(lines)), cure...)
}

// lookFirst is what the table of reasons advises.
func lookFirst(n *store.Incident) []string {
	_, look := incident.Meaning(reason.Code(n.Cause), false, "")
	if look == "" {
		return nil
	}
	return []string{"  look first at this: " + look, "  all reasons: docs/reasons.md"}
}

// withDoctor is text in which "lunette doctor" can be typed as it stands.
func withDoctor(text string, n *store.Incident) string {
	host, port := originOf(n.Origin)
	const bare = "lunette doctor"
	i := strings.Index(text, bare)
	if i < 0 || strings.HasPrefix(text[i+len(bare):], " http") || !checks.IsHostName(n.Site) || host == "" || port == 0 {
		return text
	}
	scheme := "https"
	if strings.HasPrefix(n.Origin, "http:") {
		scheme = "http"
	}
	command := bare + " " + scheme + "://" + n.Site + "/ --origin " + net.JoinHostPort(host, strconv.Itoa(int(port))) + " --origin-is-mine"
	if strings.HasPrefix(text[i+len(bare):], `"`) {
		return text[:i] + command + text[i+len(bare):]
	}
	return text[:i] + `"` + command + `"` + text[i+len(bare):]
}
