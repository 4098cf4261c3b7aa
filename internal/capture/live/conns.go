package live

// conn is what is known of a connection.
type conn struct {
	wanted  bool
	seen    bool // a packet of it went on
	secrets bool // secrets of it went on
	data    bool // application data in TLS records was seen
	until   int64
}

func (c *conn) isWanted(now int64) bool { return c.wanted && (c.until == 0 || now < c.until) }

// conns is a bounded table of connections: the newest stay.
type conns struct {
	all   map[Ends]*conn
	order []Ends // oldest first, from at
	at    int
}

func newConns() conns { return conns{all: map[Ends]*conn{}} }

func (t *conns) find(e Ends) *conn { return t.all[e] }

func (t *conns) get(e Ends) *conn {
	if c := t.all[e]; c != nil {
		return c
	}
	if len(t.all) >= mostConns {
		delete(t.all, t.order[t.at])
		t.at++
	}
	if t.at > mostConns {
		t.order = append(t.order[:0:0], t.order[t.at:]...)
		t.at = 0
	}
	c := &conn{}
	t.all[e] = c
	t.order = append(t.order, e)
	return c
}
