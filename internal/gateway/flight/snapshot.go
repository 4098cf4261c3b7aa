package flight

// Snapshot is what is kept now of the connections that last and that a names, one event each, with its Recording (nil where nothing was
// kept) and without Secret: the recording has them.
func (r *Recorder) Snapshot(a Arm) []ArmedEvent {
	r.mu.Lock()
	var open []*tape
	for _, t := range r.open {
		if t.set.Leg == a.Leg && (a.Site == "" || a.Site == t.set.Site) {
			open = append(open, t)
		}
	}
	r.mu.Unlock()
	out := make([]ArmedEvent, 0, len(open))
	for _, t := range open {
		out = append(out, ArmedEvent{Site: t.set.Site, Leg: t.set.Leg, Taped: t.about, Recording: t.Recording()})
	}
	return out
}
