package app

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/gateway/flight"
)

// failureHub tells captures of failures. Nobody waits for a capture: what one does not take in time is dropped and counted. The zero value works.
type failureHub struct {
	n   atomic.Int32 // listeners, so that nobody locks where there are none
	mu  sync.Mutex
	all map[*failureListener]bool
}

type failureListener struct {
	events  chan CaptureEvent
	dropped atomic.Int64
}

func (h *failureHub) listen() *failureListener {
	const waiting = 256
	l := &failureListener{events: make(chan CaptureEvent, waiting)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[*failureListener]bool{}
	}
	h.all[l] = true
	h.n.Store(int32(len(h.all)))
	return l
}

func (h *failureHub) leave(l *failureListener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, l)
	h.n.Store(int32(len(h.all)))
}

func (h *failureHub) tell(e CaptureEvent) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.all {
		select {
		case l.events <- e:
		default:
			l.dropped.Add(1)
		}
	}
}

// exchange tells of the attempts of an exchange that failed, once it is over and judged.
func (h *failureHub) exchange(x *exchange.Exchange) {
	if h == nil || h.n.Load() == 0 {
		return
	}
	told := false
	for i := range x.Attempts {
		a := &x.Attempts[i]
		if a.Reason == "" && a.Finding == "" {
			continue
		}
		told = true
		h.tell(CaptureEvent{Event: CaptureFailure, At: time.Now(), Site: x.Site, Request: x.ID, Conn: a.ConnID, Client: a.Local, Server: a.Address, URL: a.URL,
			Reason: string(a.Reason), Detail: a.Detail, Finding: a.Finding, Confidence: a.Confidence})
	}
	if !told && x.Answer.Reason != "" {
		h.tell(CaptureEvent{Event: CaptureFailure, At: time.Now(), Site: x.Site, Request: x.ID, Reason: string(x.Answer.Reason), Detail: x.Answer.Detail})
	}
}

// stall tells of a stall that lasts.
func (h *failureHub) stall(s *flight.Stall, n *incident.Failure) {
	if h == nil || h.n.Load() == 0 {
		return
	}
	e := CaptureEvent{Event: CaptureFailure, At: time.Now(), Site: s.Site, Request: s.Request, URL: s.URL, Reason: string(n.Reason), Detail: n.Detail, Stall: true}
	if n.Finding != nil {
		e.Finding, e.Confidence = string(n.Finding.Code), n.Finding.Confidence.String()
	}
	h.tell(e)
}
