package live

import (
	"bytes"
	"encoding/hex"
	"slices"
)

const randomSize = 32

type random [randomSize]byte

// pending are lines of a key log whose connection was not seen yet.
type pending struct {
	lines []byte
	at    int64 // when the first of them came
}

// keyLogs are the key logs that were read, as far as they may be needed.
type keyLogs struct {
	waiting   map[random]*pending
	order     []random
	seen      map[random]*known
	seenOrder []random
	forgotten int64
	faulty    int64
	renewed   int64 // when a renegotiation was seen last; 0: never
}

// known is a random whose connection was seen.
type known struct {
	ends   Ends
	labels []string // that went on
}

func newKeyLogs() keyLogs {
	return keyLogs{waiting: map[random]*pending{}, seen: map[random]*known{}}
}

// KeyLog takes lines of a key log of anybody. They go on once the connection that they belong to is seen: by the random of its hello, or,
// because a renegotiation says hello under encryption, by the time of one. now as for Packet.
func (j *Joiner) KeyLog(lines []byte, now int64) error {
	for line := range bytes.Lines(lines) {
		label, r, ok := split(line)
		if !ok {
			if t := bytes.TrimSpace(line); len(t) > 0 && t[0] != '#' {
				j.logs.faulty++
			}
			continue
		}
		if k := j.logs.seen[r]; k != nil {
			if err := j.tell(k, label, line); err != nil {
				return err
			}
			continue
		}
		if near(j.logs.renewed, now) {
			if err := j.tell(j.logs.know(r, Ends{}), label, line); err != nil {
				return err
			}
			continue
		}
		j.logs.wait(r, line, now)
	}
	return nil
}

// split reads the label and the client random of a line. Whether the rest is a secret is for its reader to say, but it must be hex digits.
func split(line []byte) (label string, r random, ok bool) {
	const longest = 512
	f := bytes.Fields(line)
	if len(f) != 3 || len(line) > longest || len(f[1]) != 2*randomSize || len(f[2]) == 0 {
		return "", r, false
	}
	for _, c := range f[0] {
		if c != '_' && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return "", r, false
		}
	}
	if _, err := hex.Decode(r[:], f[1]); err != nil {
		return "", r, false
	}
	var secret [longest / 2]byte
	if _, err := hex.Decode(secret[:], f[2]); err != nil {
		return "", r, false
	}
	return string(f[0]), r, true
}

func near(at, now int64) bool { return at != 0 && max(at-now, now-at) < renewedFor }

// tell hands on a line, once.
func (j *Joiner) tell(k *known, label string, line []byte) error {
	if slices.Contains(k.labels, label) {
		return nil
	}
	const most = 16
	if len(k.labels) < most {
		k.labels = append(k.labels, label)
	}
	if c := j.conns.find(k.ends); c != nil && !c.secrets {
		c.secrets = true
		j.stats.Opened++
	}
	return j.sink.Secrets(k.ends, ended(line))
}

// ended is line with an end of line.
func ended(line []byte) []byte {
	return append(bytes.TrimRight(line[:len(line):len(line)], "\r\n"), '\n')
}

func (l *keyLogs) wait(r random, line []byte, now int64) {
	const mostLines = 8 << 10 // bytes of lines for one random
	p := l.waiting[r]
	if p == nil {
		if len(l.order) >= mostWaiting {
			l.forget()
		}
		p = &pending{at: now}
		l.waiting[r] = p
		l.order = append(l.order, r)
	}
	if line = ended(line); len(p.lines)+len(line) <= mostLines && !bytes.Contains(p.lines, line) {
		p.lines = append(p.lines, line...)
	}
}

// forget drops the older half of what waits.
func (l *keyLogs) forget() {
	half := len(l.order) / 2
	for _, r := range l.order[:half] {
		if _, there := l.waiting[r]; there {
			delete(l.waiting, r)
			l.forgotten++
		}
	}
	l.order = slices.Clone(l.order[half:])
}

func (l *keyLogs) know(r random, e Ends) *known {
	k := &known{ends: e}
	if len(l.seenOrder) >= mostConns {
		half := len(l.seenOrder) / 2
		for _, old := range l.seenOrder[:half] {
			delete(l.seen, old)
		}
		l.seenOrder = slices.Clone(l.seenOrder[half:])
	}
	l.seen[r] = k
	l.seenOrder = append(l.seenOrder, r)
	return k
}

// match looks into the segment of a connection that is about to go on for what key logs can be matched by, and hands on what fits.
func (j *Joiner) match(e Ends, c *conn, now int64) error {
	what, r := look(j.segment.Payload)
	switch {
	case what == isData:
		c.data = true
	case what == isHello:
		c.data = false // new on these ends
		if j.logs.seen[r] != nil {
			return nil
		}
		return j.drain(r, j.logs.know(r, e))
	case what == isHandshake && c.data:
		j.logs.renewed = now
		for r, p := range j.logs.waiting {
			if near(p.at, now) {
				if err := j.drain(r, j.logs.know(r, Ends{})); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// drain hands on what waits for r.
func (j *Joiner) drain(r random, k *known) error {
	p := j.logs.waiting[r]
	if p == nil {
		return nil
	}
	delete(j.logs.waiting, r)
	for line := range bytes.Lines(p.lines) {
		label, _, _ := split(line)
		if err := j.tell(k, label, line); err != nil {
			return err
		}
	}
	return nil
}

// look tells what a segment begins with, as far as key logs care. Records that begin within a segment are not looked for: a hello and a
// renegotiation begin one.
func look(b []byte) (what looked, r random) {
	const (
		recordHead                  = 5
		handshake, application      = 22, 23
		clientHello, head, versions = 1, 4, 2
		helloRandom                 = recordHead + head + versions
	)
	if len(b) < recordHead || b[1] != 3 || b[2] > 4 {
		return isOther, r
	}
	switch b[0] {
	case application:
		return isData, r
	case handshake:
		if len(b) < helloRandom+randomSize || b[5] != clientHello || b[6] != 0 || b[9] != 3 {
			return isHandshake, r
		}
		return isHello, random(b[helloRandom : helloRandom+randomSize])
	}
	return isOther, r
}

type looked uint8

const (
	isOther looked = iota
	isHello
	isHandshake
	isData
)
