package origin

import (
	"context"
	"sync"
	"time"

	"github.com/lunette-waf/lunette/internal/reason"
)

// maxQueue bounds how many exchanges wait for a connection to one URL.
const maxQueue = 1024

// room counts the connections of an endpoint against MaxConns. Who finds no room waits: for a place, or for a
// connection that another exchange is done with.
type room struct {
	max  int // 0: no limit
	wake chan struct{}

	mu      sync.Mutex
	used    int
	waiting int
}

func (m *room) init(limit int) {
	m.max = limit
	m.wake = make(chan struct{}, 1)
}

// enter takes a place, or reports that there is none.
func (m *room) enter() bool {
	if m.max == 0 {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used >= m.max {
		return false
	}
	m.used++
	return true
}

// leave gives a place back.
func (m *room) leave() {
	if m.max == 0 {
		return
	}
	m.mu.Lock()
	m.used--
	m.mu.Unlock()
	m.signal()
}

// signal tells one who waits that something may have become free.
func (m *room) signal() {
	if m.max == 0 {
		return
	}
	m.mu.Lock()
	any := m.waiting > 0
	m.mu.Unlock()
	if any {
		select {
		case m.wake <- struct{}{}:
		default: // one signal is on its way, and whoever gets it passes it on
		}
	}
}

// join enters the queue of those who wait; part leaves it. Between the two nothing that becomes free is missed.
func (m *room) join() *reason.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.waiting >= maxQueue {
		return reason.New(reason.LimitQueueFull, itoa(maxQueue)+" wait for a connection", nil)
	}
	m.waiting++
	return nil
}

func (m *room) part() {
	m.mu.Lock()
	m.waiting--
	m.mu.Unlock()
	m.signal() // the signal that woke us may have stood for more than we took
}

// wait returns at the next signal. due nil waits as long as ctx lives.
func (m *room) wait(ctx context.Context, due <-chan time.Time) *reason.Error {
	select {
	case <-m.wake:
		return nil
	case <-due:
		return reason.New(reason.LimitQueueTimeout, "max_connections "+itoa(m.max), nil)
	case <-ctx.Done():
		return ended(ctx)
	}
}
