package tcpstream

// list orders connections by their last segment.
type list struct {
	oldest, newest *conn
	n              int
}

func (l *list) add(c *conn) {
	c.list, c.older, c.newer = l, l.newest, nil
	if l.newest != nil {
		l.newest.newer = c
	} else {
		l.oldest = c
	}
	l.newest = c
	l.n++
}

func (l *list) remove(c *conn) {
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		l.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		l.newest = c.older
	}
	c.list, c.older, c.newer = nil, nil, nil
	l.n--
}

// touch puts c last on the list that it belongs to: those that are over, those that began only, the others.
func (t *Tracker) touch(c *conn) {
	l := &t.begun
	switch {
	case c.dead:
		l = &t.over
	case c.connected || c.info.Midstream || c.info.Bytes[1]+c.info.Bytes[2] > 0:
		l = &t.live
	}
	if l.newest == c {
		return
	}
	if c.list != nil {
		c.list.remove(c)
	}
	l.add(c)
}

// room ends what is over, and makes room for one more connection. False: there is none.
func (t *Tracker) room() bool {
	for c := t.over.oldest; c != nil && t.now-c.info.End.At > linger; c = t.over.oldest {
		t.finish(c)
	}
	for t.table.n >= t.cfg.MaxConns || !t.cfg.Budget.Take(connCost) {
		if !t.evict() {
			return false
		}
	}
	return true
}

// evict gives one connection up, or all that were idle for long. Those that never came past their SYN go first once they are
// the most, so that a flood of them does not drive out the others.
func (t *Tracker) evict() bool {
	l := &t.live
	if t.begun.n >= t.live.n {
		l = &t.begun
	}
	if t.over.n > 0 {
		l = &t.over
	}
	if l.oldest == nil {
		return false
	}
	if l != &t.over && t.now-l.oldest.info.End.At <= t.cfg.Idle {
		t.stats.Evicted++
	}
	t.finish(l.oldest)
	for range 64 {
		c := t.live.oldest
		if c == nil || t.now-c.info.End.At <= t.cfg.Idle {
			break
		}
		t.finish(c)
	}
	return true
}
