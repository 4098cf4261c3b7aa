package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	checks "github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/finding"
	"github.com/lunette-waf/lunette/internal/probe"
)

// doctorOutput prints a climb as it goes. Lines come from several goroutines.
type doctorOutput struct {
	w     io.Writer
	quiet bool
	mu    sync.Mutex
	begun time.Time
}

func (d *doctorOutput) printf(format string, args ...any) {
	if d.quiet {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = fmt.Fprintf(d.w, format, args...)
}

func (d *doctorOutput) begin(cfg probe.Config) {
	d.begun = time.Now()
	t := cfg.Target
	at := ""
	if t.Host != t.Name {
		at = fmt.Sprintf(" at %s port %d", printable(t.Host), t.Port)
	}
	d.printf("%s%s: at most %d connections, in at most %s\n", printable(t.Authority), at, cfg.Most(), finding.Span(cfg.Longest()))
}

func (d *doctorOutput) step(name, asks string, conns int) {
	cost := ""
	if conns > 0 {
		cost = ", up to " + counted(conns, "connection")
	}
	d.printf("\n%s: %s (%.1f s%s)\n", name, asks, time.Since(d.begun).Seconds(), cost)
}

func (d *doctorOutput) line(l probe.Line) {
	mark := map[probe.Mark]string{probe.Good: "+", probe.Bad: "!", probe.Absent: "-", probe.Said: " "}[l.Mark]
	d.printf("  %s %-38s %s\n", mark, printable(l.What), printable(l.Text))
}

// verdict prints the causes and the settings.
func (d *doctorOutput) verdict(e *examination) error {
	if e.sister != nil {
		d.differences(e)
	}
	d.printf("\nverdict (%s, %.1f s)\n", counted(len(e.report.Tries), "connection"), e.report.Ended.Sub(e.report.Began).Seconds())
	if e.report.Cut != "" {
		d.printf("  not whole: %s; this is what is known so far\n", e.report.Cut)
	}
	serious := e.serious()
	if serious > 0 && e.proven() && e.works() && !e.ours() {
		d.printf("\n  Lunette's own request works, with the settings below. What follows is met by clients and proxies that act otherwise.\n")
	}
	for i := range e.findings {
		f := &e.findings[i]
		d.printf("\n")
		for _, l := range f.Lines() {
			d.printf("%s\n", printable(l))
		}
	}
	if serious > 0 && e.gatewayFails() != nil {
		d.printf("\n  %s\n", printable(e.gatewaySentence()))
	}
	if serious == 0 && e.report.Cut == "" {
		d.printf("\n  %s\n", printable(e.sentence()))
	}
	if more := e.further(); len(more) > 0 && serious == 0 {
		d.printf("\n  Some checks could not look. They would need:\n")
		for _, how := range more {
			d.printf("    %s\n", how)
		}
	}
	d.settings(e)
	return nil
}

// ours reports whether a request as Lunette makes it fails of any of the findings.
func (e *examination) ours() bool {
	return slices.ContainsFunc(e.findings, func(f finding.Finding) bool { return e.plain[f.Code] })
}

// further is how what is lacking would be come by, as far as the doctor cannot.
func (e *examination) further() []string {
	var w checks.Watched
	for _, l := range e.lacking {
		w |= l.For
	}
	return (w & (checks.Packets | checks.OriginLog)).How()
}

// serious is how many findings are above info.
func (e *examination) serious() int {
	n := 0
	for i := range e.findings {
		if e.findings[i].Severity > finding.Info {
			n++
		}
	}
	return n
}

// sentence is the verdict where no finding is above info.
func (e *examination) sentence() string {
	switch {
	case e.tried != nil && e.tried.Reason != "":
		return strings.TrimSpace(fmt.Sprintf("The origin answers, but Lunette's gateway does not take the answer: %s %.200s", e.tried.Reason, e.tried.Detail))
	case e.behind() != nil:
		return e.gatewaySentence()
	case e.works() && e.elsewhere() != "":
		return "The origin answers, but sends clients elsewhere: " + e.elsewhere() + ". Through a gateway that port is closed as a rule: let the origin build its addresses from Host and X-Forwarded-Port, or send redirects without a port."
	case e.works() && e.wantsLogIn() != nil:
		return fmt.Sprintf("Healthy as far as was seen: GET %s asks for a log-in (401), which was not tried.", probe.Masked(e.wantsLogIn().Path))
	case e.works():
		return "Healthy: the request works as Lunette makes it, and nothing that was tried speaks against the origin."
	case e.refused() != nil:
		o := e.refused()
		if o.Status() >= 500 {
			return fmt.Sprintf("GET %s works on the wire, and the application answers with status %d: the reason stands in its own log.", probe.Masked(o.Path), o.Status())
		}
		if o.Status() == 403 {
			return fmt.Sprintf("GET %s works on the wire and is answered with status 403. The answer does not say why: a rule, a ban of this address, a log-in or a certificate that is lacking. The origin's log does: give it with --origin-log.", probe.Masked(o.Path))
		}
		return fmt.Sprintf("GET %s works on the wire and is answered with status %d. None of the known causes fits: is it the right path, and may everybody see it?", probe.Masked(o.Path), o.Status())
	}
	return "The request fails, and none of the known causes fits. Take a capture between proxy and origin and give it to \"lunette explain\"."
}

func (d *doctorOutput) differences(e *examination) {
	d.printf("\ndifference: %s against %s\n", printable(dialled(e.report)), printable(dialled(e.sister)))
	all := probe.Compared(e.report, e.sister)
	if len(all) > 0 && (e.works() != (&examination{report: e.sister}).works() || strings.HasSuffix(all[0].What, ": reached")) {
		d.printf("  The first that matters: %s: %s against %s\n", printable(all[0].What), printable(all[0].A), printable(all[0].B))
	} else if len(all) > 0 {
		d.printf("  The request itself fares alike; what else differs:\n")
	}
	for _, x := range all {
		d.printf("  %-34s %s against %s\n", printable(x.What), printable(x.A), printable(x.B))
	}
	if len(all) == 0 {
		d.printf("  none in what was asked\n")
	}
}

// elsewhere is a redirect that clients of a gateway may not be able to follow, "" without.
func (e *examination) elsewhere() string {
	for i := range e.report.Lines {
		if l := &e.report.Lines[i]; l.What == "redirect" && l.Mark == probe.Bad && strings.Contains(l.Text, "another port") {
			return l.Text
		}
	}
	return ""
}

// dialled is a site and where it was asked.
func dialled(r *probe.Report) string {
	if r.Target.Host == r.Target.Name {
		return r.Target.Authority
	}
	return fmt.Sprintf("%s at %s port %d", r.Target.Authority, r.Target.Host, r.Target.Port)
}

func (d *doctorOutput) settings(e *examination) {
	s := &e.report.Settings
	switch {
	case e.yaml == "":
		if s.Unknown != "" {
			d.printf("\nNo settings are known that make Lunette work with this origin as it is: %s.\n", printable(s.Unknown))
		}
		return
	case e.tried == nil || e.tried.Reason != "":
		d.printf("\nSettings for Lunette, the nearest that are known, as an item of sites:\n")
	case e.proven() && len(s.Why) == 0:
		d.printf("\nLunette works with this origin by its defaults; as an item of sites:\n")
	case !e.proven():
		d.printf("\nNo settings are known that help: it is the origin that answers so. The nearest, as an item of sites:\n")
	default:
		d.printf("\nSettings for Lunette, for the origin as it is, as an item of sites:\n")
	}
	for l := range strings.Lines(e.yaml) {
		d.printf("  %s\n", strings.TrimRight(printable(strings.TrimRight(l, "\n")), " "))
	}
	for _, why := range s.Why {
		d.printf("  # %s\n", printable(why))
	}
	d.printf("  %s\n", printable(e.proof()))
}

// proven reports whether the request with exactly the settings was answered as one likes, or by the question for a log-in.
func (e *examination) proven() bool {
	return e.tried != nil && e.tried.Reason == "" && (e.tried.Status < 400 || e.tried.Status == 401)
}

// proof says what came of the request with exactly the settings.
func (e *examination) proof() string {
	switch {
	case e.tried == nil && e.unproven != "":
		return "not proven: " + e.unproven
	case e.tried == nil:
		return "not proven: interrupted before"
	case e.tried.Reason != "":
		return strings.TrimSpace(fmt.Sprintf("not proven: GET %s with these settings gave %s %.200s", probe.Masked(e.path()), e.tried.Reason, e.tried.Detail))
	}
	if !e.proven() {
		return fmt.Sprintf("not proven: GET %s with exactly these settings gave status %d", probe.Masked(e.path()), e.tried.Status)
	}
	text := fmt.Sprintf("proven: GET %s with exactly these settings gave status %d in %s", probe.Masked(e.path()), e.tried.Status, finding.Span(e.tried.Took))
	if e.tried.Renegotiations > 0 {
		text += ", a HelloRequest was answered"
	}
	return text
}
