package probe

import "time"

const (
	mostRepeats  = 3               // connections that are made again
	repeatWithin = 4 * time.Second // for a handshake: the checks take less than three of silence for nothing
)

// failures are the connections of ours that came to nothing, each kind once: what is asked for again tells a fault from chance, since
// others have worked meanwhile.
func (c *climb) failures() []*Outcome {
	if len(c.asked) > 0 {
		return nil // a HelloRequest is met in several ways already
	}
	var out []*Outcome
	seen := map[string]bool{}
	worked := false
	for _, o := range c.report.Tries {
		worked = worked || !o.Via && !o.Cut && o.Connected() && o.Err == nil
		failed := o.Err != nil || o.Status() >= 400
		if !o.Natural || o.Via || o.Cut || !failed || o.Trust != "" && o.Trust != "ok" || seen[o.Purpose] || !o.Connected() ||
			o.Phase == "answer" && timedOut(o.Err) { // a wait tells by its length, and is dear
			continue
		}
		seen[o.Purpose] = true
		out = append(out, o)
	}
	if !worked {
		return nil // nothing to set it against
	}
	return out[:min(len(out), mostRepeats)]
}

func (c *climb) costRepeat() int {
	if n := len(c.failures()); n > 0 {
		return n
	}
	return -1
}

// repeat makes once more what failed, where the time allows it.
func (c *climb) repeat() bool {
	for _, o := range c.failures() {
		took := o.Recording.End.Sub(o.Recording.Start)
		if end, ok := c.ctx.Deadline(); c.ctx.Err() != nil || ok && time.Until(end) < 2*took {
			return true
		}
		t := o.made
		t.purpose, t.natural, t.shake = "again", false, max(c.timeout, repeatWithin)
		what := "a handshake"
		if len(t.requests) > 0 {
			what = "GET " + t.requests[0].target
		}
		again := c.do(t)
		mark := Bad
		if again.Err == nil && again.Status() < 400 {
			mark = Good
		}
		c.say(what+" again", mark, outcomeText(again))
	}
	return true
}
