package app

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/evidence"
	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/gateway/origin"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/redact"
)

// Bounds of the work when everything fails: an origin that is down fails thousands of requests in the same way. What fails in one way
// takes no more than its share, so that one site, or who makes one fail, does not keep the causes of others from being stated.
const (
	judgedPerSecond = 200
	judgedAlike     = 10 // of the same origin and reason
)

// alike are failures that are expected to have the same cause.
type alike struct {
	site, url string
	reason    reason.Code
}

// judge states the causes of attempts that failed, once their exchange is over.
type judge struct {
	checks []check.Check
	mask   *redact.Masker
	log    *slog.Logger

	mu     sync.Mutex
	second int64
	left   int
	taken  map[alike]int // in this second; no more entries than judgedPerSecond
}

func newJudge(mask *redact.Masker, log *slog.Logger) *judge {
	return &judge{checks: diagnosis.Checks(), mask: mask, log: log, taken: map[alike]int{}}
}

// judge puts the best finding into the record of the attempt that it is about, and returns what the checks say and that attempt; nil and
// -1 where nobody looked.
func (j *judge) judge(x *exchange.Exchange) (result *check.Result, attempt int) {
	if j == nil || !failed(x) && !erred(x) || !j.take(time.Now(), kindOf(x)) {
		return nil, -1
	}
	defer func() {
		if v := recover(); v != nil {
			j.log.Error("a check panicked; please report this", "id", x.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			result, attempt = nil, -1
		}
	}()
	c, at := evidence.OfExchange(x, func(a *exchange.Attempt) []fact.Fact { return origin.Facts(a, j.mask) })
	r := check.Run(j.checks, c)
	if f := best(&r); f != nil {
		a := &x.Attempts[at]
		a.Finding, a.Confidence = string(f.Code), f.Confidence.String()
	}
	return &r, at
}

func failed(x *exchange.Exchange) bool {
	for i := range x.Attempts {
		if x.Attempts[i].Reason != "" {
			return true
		}
	}
	return len(x.Attempts) > 0 && x.Answer.Reason != ""
}

// kindOf is what the failure of x is like: its last attempt that failed counts, else what ended the exchange.
func kindOf(x *exchange.Exchange) alike {
	if at := lastFailed(x); at >= 0 {
		switch a := &x.Attempts[at]; {
		case a.Reason != "":
			return alike{x.Site, a.URL, a.Reason}
		case erred(x):
			return alike{x.Site, a.URL, reason.OriginStatus5xx}
		}
	}
	return alike{x.Site, "", x.Answer.Reason}
}

// take reports whether there is room for one more failure like this in this second.
func (j *judge) take(now time.Time, k alike) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s := now.Unix(); s != j.second {
		j.second, j.left = s, judgedPerSecond
		clear(j.taken)
	}
	if j.left <= 0 || j.taken[k] >= judgedAlike {
		return false
	}
	j.left--
	j.taken[k]++
	return true
}
