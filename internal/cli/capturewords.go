package cli

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/capture/live"
)

// write writes the recordings that fit into the file: the newest count where not all do.
func (t *tapeStore) write(out *captureOut) error {
	for len(t.all) > 0 && t.bytes > out.most {
		t.bytes -= tapeSize(t.all[0])
		t.all = t.all[1:]
	}
	var whole bytes.Buffer // at most about twice --size, which is for the memory too
	if err := analysis.WriteRecordings(&whole, t.all); err != nil {
		return err
	}
	out.packets += int64(len(t.all))
	_, err := out.Write(whole.Bytes())
	return err
}

// failureWords says what failed.
func failureWords(e *app.CaptureEvent) string {
	text := cmp.Or(e.Finding, e.Reason)
	if e.Finding != "" && e.Reason != "" {
		text += " (" + e.Reason + ")"
	}
	if e.Stall {
		text = "a stall that lasts: " + text
	}
	if e.Request != "" {
		text += ", request " + e.Request
	}
	return printable(text)
}

// summary says what there is, and what to do with it.
func (r *captureRun) summary(received, dropped uint64) {
	var s live.Stats
	if r.joiner != nil {
		s = r.joiner.Stats()
	}
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(r.stderr, "lunette: "+format+"\n", args...) }
	if r.why != "" {
		say("ended: %s", r.why)
	}
	if r.recorded {
		n := 0
		for _, t := range r.tapes.all {
			if len(t.KeyLog) > 0 {
				n++
			}
		}
		say("%s from the flight recorder, %d of them with secrets", counted(len(r.tapes.all), "connection"), n)
	} else {
		say("%s, %d dropped by the kernel; %s, %d of them with secrets", counted(int(r.out.packets), "packet"), dropped, counted(int(s.Conns), "connection"), s.Opened)
		r.remarks(&s, received, dropped)
	}
	if r.out.path == "-" {
		return
	}
	file := printable(r.out.path)
	say("%s: %s, mode 0600", file, counted(int(r.out.size), "byte"))
	if !exists(r.out.path) {
		return
	}
	if r.encrypted {
		say("next: lunette explain --identity KEYFILE %s", file)
		return
	}
	say("next: lunette explain %s", file)
}

// remarks says what is odd about the figures, and why it may be so.
func (r *captureRun) remarks(s *live.Stats, received, dropped uint64) {
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(r.stderr, "lunette: "+format+"\n", args...) }
	sources := len(r.flags.keylogs) + len(r.flags.pids) + len(r.flags.exes)
	switch {
	case r.flags.site != "" && r.told > 0 && s.Packets == 0:
		say("the gateway told of %s, and no packet of them passed here: does it run on this machine, in this network namespace? --recorded takes what it has recorded", counted(int(r.told), "connection"))
	case r.flags.site != "" && r.told == 0:
		say("the gateway has made no connection meanwhile: has the site had a request?")
	case received == 0 && s.Packets == 0:
		say("no packet fits: is the interface right (%s), and was there traffic?", printable(r.flags.iface))
	case s.Conns > s.Opened && r.gateway != nil && !r.flags.noSecrets:
		say("%s without secrets: no TLS, or other programs made them", counted(int(s.Conns-s.Opened), "connection"))
	case s.Conns > s.Opened && sources > 0:
		say("%s without secrets: open before the capture began, no TLS, or of programs that were not named", counted(int(s.Conns-s.Opened), "connection"))
	}
	for _, name := range r.source.missing() {
		if s.Opened == 0 {
			say("no process of %s was seen: --exe wants the name or the path of the program file (ls -l /proc/PID/exe)", printable(name))
		}
	}
	if dropped > 0 {
		say("packets were dropped because they were not read in time: narrow it with --filter")
	}
	if s.Early > 0 {
		say("%s went on before their secrets could come, for want of memory: Wireshark may not open these, lunette explain does", counted(int(s.Early), "packet"))
	}
	if s.Faulty > 0 {
		say("%s of key logs could not be read and were passed over", counted(int(s.Faulty), "line"))
	}
}
