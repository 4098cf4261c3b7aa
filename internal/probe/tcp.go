package probe

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/recording"
)

const (
	pingTimeout = 3 * time.Second
	quietTime   = 400 * time.Millisecond // how long a connection says nothing, to hear who speaks first
)

func (c *climb) costTCP() int { return (c.cfg.Connects + 1) * len(c.addrs) }

// tcp connects to every address; the addresses side by side, each of them one connection after the other.
func (c *climb) tcp() bool {
	results := make([][]*Outcome, len(c.addrs))
	var wg sync.WaitGroup
	for i, a := range c.addrs {
		wg.Go(func() { results[i] = c.ping(a) })
	}
	wg.Wait()
	var up, down []netip.AddrPort
	for i, a := range c.addrs {
		mark, text, ok := pinged(results[i])
		c.say(a.String(), mark, text)
		if ok {
			up = append(up, a)
		} else {
			down = append(down, a)
		}
	}
	c.addrs = slices.Concat(up, down)
	return true // the request that follows is evidence even where nothing connects
}

// ping connects several times to a; the last connection stays quiet and listens.
func (c *climb) ping(a netip.AddrPort) []*Outcome {
	var out []*Outcome
	for i := range c.cfg.Connects + 1 {
		t := try{purpose: "tcp", addr: a, connect: pingTimeout}
		if i == c.cfg.Connects {
			t.purpose, t.quiet = "tcp_quiet", quietTime
		}
		o := c.do(t)
		o.Natural = i == 0 && !o.Connected() // the gateway might have chosen this address
		out = append(out, o)
		if i == 1 && !out[0].Connected() && !o.Connected() {
			break // two in a row say enough
		}
	}
	return out
}

// pinged puts the connections to one address into words.
func pinged(outs []*Outcome) (Mark, string, bool) {
	var times []time.Duration
	lost, why := 0, ""
	for _, o := range outs {
		if o.Connected() {
			times = append(times, o.Times.Connect)
			continue
		}
		lost++
		why = failedText(o)
	}
	if len(times) == 0 {
		return Bad, why, false
	}
	slices.Sort(times)
	text := fmt.Sprintf("%d of %d connected in %s / %s / %s (least, median, most)", len(times), len(outs), span(times[0]), span(times[len(times)/2]), span(times[len(times)-1]))
	mark := Good
	if lost > 0 {
		mark, text = Bad, text+", "+strconv.Itoa(lost)+" lost: "+why
	}
	last := outs[len(outs)-1]
	switch said := spoken(last.Recording); {
	case last.Purpose != "tcp_quiet" || !last.Connected():
	case len(said) > 0:
		mark, text = Bad, text+fmt.Sprintf("; it speaks first: %.40q", said)
	case errors.Is(last.Err, io.EOF):
		text += "; closes a quiet connection at once"
	case errors.Is(last.Err, syscall.ECONNRESET):
		mark, text = Bad, text+"; resets a quiet connection at once"
	}
	return mark, text, true
}

// spoken is the beginning of what the server sent.
func spoken(r *recording.Recording) []byte {
	for _, p := range r.Pieces {
		if p.Side == fact.SideServer && len(p.Data) > 0 {
			return p.Data[:min(len(p.Data), 64)]
		}
	}
	return nil
}

// failedText says why a connection was never made.
func failedText(o *Outcome) string {
	for _, f := range o.Recording.Facts {
		if f.Kind != fact.TCPFailed {
			continue
		}
		switch f.Text {
		case "timeout", "ETIMEDOUT":
			return "no answer within " + span(time.Duration(f.Size)) + ": dropped on the way (filtered), or nothing is there"
		case "ECONNREFUSED":
			return "refused (ECONNREFUSED): nothing listens on this port"
		}
		return strings.TrimSpace("failed: " + f.Text)
	}
	if o.Err != nil {
		return cut(o.Err.Error(), mostError)
	}
	return "not tried"
}
