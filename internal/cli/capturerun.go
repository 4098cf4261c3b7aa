package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/capture/live"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/recording"
)

// captureGrace is how long a capture goes on for secrets of packets that have come already.
const captureGrace = 200 * time.Millisecond

// captureRun is a capture under way. It implements liveHandler; all of it happens in the goroutine of run.
type captureRun struct {
	flags      *captureFlags
	stderr     io.Writer
	begun      time.Time
	asking     context.Context // of the gateway's stream
	stopAsking context.CancelFunc
	gateway    *gatewayStream // nil without
	source     *liveSource
	filter     string
	about      pcap.Interface
	recipients []string
	encrypted  bool

	joiner *live.Joiner // nil when recorded
	sink   live.Sink
	ring   *live.Ring // nil without --on
	out    *captureOut
	conns  map[uint64]live.Ends // those that the gateway told of
	told   int64                // how many it told of

	recorded bool // the flight recorder instead of packets
	tapes    tapeStore

	outer   context.Context // ends with an interrupt
	stopAt  int64           // when run ends; 0: not yet
	why     string          // it ends
	failure *app.CaptureEvent
	endsAt  int64 // of --after
	over    bool  // the stream of the gateway
	fault   error // what went wrong in the middle; the file is whole nevertheless
}

// errStopped ends liveSource.run.
var errStopped = errors.New("stopped")

func (r *captureRun) hold() int64 {
	if r.flags.noSecrets || r.gateway == nil && len(r.flags.keylogs)+len(r.flags.pids)+len(r.flags.exes) == 0 {
		return -1
	}
	return 0
}

// run captures until the end, and says what there is then.
func (r *captureRun) run(ctx context.Context) error {
	defer r.close()
	r.outer = ctx
	r.announce()
	err := r.source.run(context.WithoutCancel(ctx), r)
	switch {
	case errors.Is(err, errStopped):
		err = nil
	case errors.Is(err, errFull), errors.Is(err, errCounted):
		r.why, err = err.Error(), nil
	}
	return r.finish(err)
}

func (r *captureRun) announce() {
	what, where := "capturing", r.out.path
	if r.recorded {
		what = "recording"
	}
	if where == "-" {
		where = "standard output"
	}
	if !r.encrypted && !r.flags.noSecrets {
		_, _ = fmt.Fprintln(r.stderr, "lunette: the file will not be encrypted: whoever has it reads what was said (--recipient encrypts it)")
	}
	_, _ = fmt.Fprintf(r.stderr, "lunette: %s into %s", what, printable(where))
	if r.flags.on != "" {
		_, _ = fmt.Fprintf(r.stderr, " at the next failure (%s)", r.flags.on)
	}
	if r.filter != "" {
		_, _ = fmt.Fprintf(r.stderr, ", filter %s", printable(r.filter))
	}
	_, _ = fmt.Fprintln(r.stderr, "; an interrupt ends it")
}

// packet implements liveHandler.
func (r *captureRun) packet(p *pcap.Packet, now int64) error {
	if r.stopAt != 0 && p.At > r.stopAt-int64(captureGrace) {
		return nil
	}
	return r.joiner.Packet(p, now)
}

// keylog implements liveHandler.
func (r *captureRun) keylog(lines []byte, _ string, now int64) error {
	if r.joiner == nil {
		return nil
	}
	return r.joiner.KeyLog(lines, now)
}

// tick implements liveHandler.
func (r *captureRun) tick(now int64) error {
	if err := r.listen(now); err != nil {
		return err
	}
	if r.joiner != nil {
		if err := r.joiner.Release(now); err != nil {
			return err
		}
	}
	if err := r.out.flush(); err != nil {
		return err
	}
	if r.recorded {
		r.tapes.age(now, r.flags.before, r.flags.on != "" && r.failure == nil)
	}
	switch {
	case r.stopAt != 0:
	case r.outer.Err() != nil:
		r.stop("interrupted", now)
	case r.flags.duration > 0 && time.Duration(now-r.begun.UnixNano()) >= r.flags.duration:
		r.stop("its time is over", now)
	case r.endsAt != 0 && now >= r.endsAt:
		r.stop("the failure has its packets", now)
	case r.tapes.bytes > r.flags.bytes:
		r.stop(errFull.Error(), now)
	case r.flags.out.path == "-" && r.out.fault != nil:
		r.stop("nobody reads any more", now)
	}
	if r.stopAt != 0 && now >= r.stopAt {
		return errStopped
	}
	return nil
}

func (r *captureRun) stop(why string, now int64) {
	if r.stopAt == 0 {
		r.why, r.stopAt = why, now+int64(captureGrace)
	}
}

// listen takes what the gateway has told.
func (r *captureRun) listen(now int64) error {
	if r.gateway == nil || r.over {
		return nil
	}
	for {
		select {
		case e, ok := <-r.gateway.events:
			if !ok {
				r.over = true
				r.lostGateway(now)
				return nil
			}
			if err := r.event(&e, now); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// lostGateway goes on without the gateway where that makes sense.
func (r *captureRun) lostGateway(now int64) {
	if r.stopAt != 0 {
		return
	}
	why := "it broke off"
	if r.gateway.err == nil {
		why = "it ended"
	}
	if r.flags.host != "" && !r.recorded && r.flags.on == "" {
		_, _ = fmt.Fprintf(r.stderr, "lunette: the gateway tells nothing any more (%s): the capture goes on without its secrets\n", why)
		return
	}
	r.fault = errors.New("the gateway tells nothing any more (" + why + "): it was stopped or restarted; what it told until then is in the file")
	r.stop("the gateway was stopped", now)
}

// event takes one event of the gateway.
func (r *captureRun) event(e *app.CaptureEvent, now int64) error {
	switch e.Event {
	case app.CaptureOpened:
		ends := live.EndsOf(e.Client, e.Server)
		r.conns[e.Conn] = ends
		r.told++
		if r.joiner != nil {
			r.joiner.Opened(ends)
		}
	case app.CaptureSecret:
		if ends, ok := r.conns[e.Conn]; ok && r.joiner != nil && !r.flags.noSecrets {
			return r.joiner.Own(ends, []byte(e.Lines))
		}
	case app.CaptureClosed:
		if ends, ok := r.conns[e.Conn]; ok {
			if delete(r.conns, e.Conn); r.joiner != nil {
				r.joiner.Closed(ends, now)
			}
		}
	case app.CaptureRecording:
		if rec := e.Recorded(); rec != nil {
			if r.flags.noSecrets {
				rec.KeyLog = nil
			}
			r.tapes.add(rec)
		}
	case app.CaptureFailure:
		return r.failed(e, now)
	}
	return nil
}

// failed begins the file where this failure was waited for.
func (r *captureRun) failed(e *app.CaptureEvent, now int64) error {
	on := r.flags.on
	if on == "" || r.failure != nil || on != "any" && on != e.Reason && on != e.Finding {
		return nil
	}
	r.failure, r.endsAt = e, now+int64(r.flags.after)
	_, _ = fmt.Fprintf(r.stderr, "lunette: %s: writing the packets around it\n", failureWords(e))
	if r.ring == nil {
		return nil
	}
	if err := r.out.begin(r.about); err != nil {
		return err
	}
	return r.ring.Open(r.out)
}

func (r *captureRun) close() {
	if r.stopAsking != nil {
		r.stopAsking()
	}
	if r.source != nil {
		r.source.close()
	}
	if r.gateway != nil { // its goroutine ends with its context
		for range r.gateway.events {
		}
	}
}

// finish ends the file.
func (r *captureRun) finish(err error) error {
	received, dropped := r.source.stats()
	if r.flags.on != "" && r.failure == nil {
		r.out.remove()
		if err == nil {
			err = r.fault
		}
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(r.stderr, "lunette: %s, and no failure like that was seen: no file was written\n", r.why)
		return errUndecided
	}
	if r.recorded && err == nil {
		err = r.writeTapes()
	}
	if r.joiner != nil && err == nil {
		if ferr := r.joiner.Flush(time.Now().UnixNano()); ferr != nil && !errors.Is(ferr, errFull) && !errors.Is(ferr, errCounted) {
			err = ferr
		}
	}
	if eerr := r.out.end(r.until(), received, dropped); err == nil {
		err = eerr
	}
	if cerr := r.out.close(); err == nil {
		err = cerr
	}
	r.summary(received, dropped)
	if err != nil {
		return err
	}
	return r.fault
}

// until is up to when everything that came is in the file.
func (r *captureRun) until() time.Time {
	if r.stopAt != 0 {
		return time.Unix(0, r.stopAt).Add(-captureGrace)
	}
	return time.Unix(0, max(r.out.last, r.begun.UnixNano())) // ended by its size or count: the next packet may have come at once
}

// writeTapes asks the gateway for what it still holds, and writes all of it.
func (r *captureRun) writeTapes() error {
	if !r.over {
		if err := r.gateway.finish(r.asking); err != nil && r.fault == nil {
			r.fault = err
		}
		patience := time.NewTimer(10 * time.Second)
		defer patience.Stop()
	wait:
		for {
			select {
			case e, ok := <-r.gateway.events:
				if !ok {
					break wait
				}
				if err := r.event(&e, time.Now().UnixNano()); err != nil {
					return err
				}
			case <-patience.C:
				r.fault = errors.New("the gateway does not end the capture: connections that last may be missing")
				break wait
			}
		}
	}
	return r.tapes.write(r.out)
}

// tapeStore holds recordings until they are written.
type tapeStore struct {
	all   []*recording.Recording
	bytes int64
}

func (t *tapeStore) add(rec *recording.Recording) {
	t.all = append(t.all, rec)
	t.bytes += tapeSize(rec)
}

func tapeSize(rec *recording.Recording) int64 {
	n := int64(len(rec.KeyLog)) + 200
	for i := range rec.Pieces {
		n += int64(len(rec.Pieces[i].Data)) + 100
	}
	return n
}

// age drops what ended too long ago, while a failure is waited for.
func (t *tapeStore) age(now int64, before time.Duration, waiting bool) {
	for waiting && len(t.all) > 0 && now-t.all[0].End.UnixNano() > int64(before) {
		t.bytes -= tapeSize(t.all[0])
		t.all[0] = nil
		t.all = t.all[1:]
	}
}

// exists reports whether the file of a capture can be named in what to do next.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
