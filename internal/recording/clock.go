package recording

import "time"

// At is t in nanoseconds since the Unix epoch, by the clock as it stood at Start: setting the clock in between moves nothing.
func (r *Recording) At(t time.Time) int64 { return r.Start.UnixNano() + t.Sub(r.Start).Nanoseconds() }

// Connected is when TCP was connected, as At; false where it never was.
func (r *Recording) Connected() (int64, bool) {
	if r.Connect < 0 {
		return 0, false
	}
	return r.Start.UnixNano() + r.Connect.Nanoseconds(), true
}
