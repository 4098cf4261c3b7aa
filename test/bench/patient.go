package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// errNone says that not one request came back while it was measured.
var errNone = errors.New("no requests")

// patience is how long a system may take to answer at all, of which nobody measures anything.
const patience = 30 * time.Second

// patient runs try for a stretch of length d. A system that rules keep busy answers nothing while it still works on requests that a load before left
// behind: it is given time, by rest, and each further stretch is twice as long, until those of which nothing came have taken limit.
func patient(d, limit time.Duration, try func(d time.Duration) (run, error), rest func() error) (run, error) {
	for spent := time.Duration(0); ; d *= 2 {
		r, err := try(d)
		if spent += d; !errors.Is(err, errNone) || spent >= limit {
			return r, err
		}
		if err := rest(); err != nil {
			return r, err
		}
	}
}

// rests waits until p does next to nothing, for at most limit: what it goes on with then is its own.
func (p *process) rests(ctx context.Context, limit time.Duration) error {
	const look = 500 * time.Millisecond
	fmt.Fprintf(os.Stderr, "%s answered nothing: waiting until it rests\n", p.name)
	for end := time.Now().Add(limit); time.Now().Before(end); {
		before := p.cpu()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
			return fmt.Errorf("wait for %s: it ended", p.name)
		case <-time.After(look):
		}
		if p.cpu()-before < look/10 {
			return nil
		}
	}
	return nil
}
