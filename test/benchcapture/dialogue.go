package main

import (
	"context"
	"io"
	"net"
	"time"
)

// dialogue is one connection: two ends that write into each other, and what they say as packets, in the order in which it was said.
type dialogue struct {
	ctx            context.Context
	client, server *halfConn
	said           chan saying
	rest           saying // of the present one
	unacked        int
	done           int // ends that closed
}

// saying is one write of an end; closed says that it writes no more.
type saying struct {
	from   *halfConn
	data   []byte
	closed bool
}

func newDialogue(ctx context.Context, i int) *dialogue {
	d := &dialogue{ctx: ctx, said: make(chan saying)}
	d.client = &halfConn{of: d, heard: make(chan []byte, 1024), end: end{address: 10<<24 | uint32(i/20000+1), port: uint16(20000 + i%20000), seq: uint32(i) * 77777}}
	d.server = &halfConn{of: d, heard: make(chan []byte, 1024), end: end{address: 192<<24 | 2<<8 | 10, port: 443, seq: uint32(i) * 33333}}
	d.client.peer, d.server.peer = d.server, d.client
	return d
}

// hello writes the handshake of TCP.
func (d *dialogue) hello(r *recorder) {
	c, s := &d.client.end, &d.server.end
	r.packet(c, s, flagSYN, nil)
	r.packet(s, c, flagSYN|flagACK, nil)
	r.packet(c, s, flagACK, nil)
}

// turn writes up to 8 packets of what is said next. It returns false once both ends closed.
func (d *dialogue) turn(r *recorder) bool {
	if len(d.rest.data) == 0 {
		select {
		case d.rest = <-d.said:
		case <-d.ctx.Done():
			return false
		}
	}
	a, b := &d.rest.from.end, &d.rest.from.peer.end
	for range 8 {
		if len(d.rest.data) == 0 {
			break
		}
		n := min(len(d.rest.data), segmentSize)
		flags := byte(flagACK)
		if n == len(d.rest.data) {
			flags |= flagPSH
		}
		r.packet(a, b, flags, d.rest.data[:n])
		d.rest.data = d.rest.data[n:]
		if d.unacked++; d.unacked%2 == 0 {
			r.packet(b, a, flagACK, nil)
		}
	}
	if d.rest.closed {
		r.packet(a, b, flagFIN|flagACK, nil)
		r.packet(b, a, flagACK, nil)
		d.done++
		d.rest.closed = false
	}
	return d.done < 2
}

// halfConn is one end as a net.Conn.
type halfConn struct {
	of    *dialogue
	peer  *halfConn
	heard chan []byte
	left  []byte
	end   end
}

// Write is taken when it is this connection's turn.
func (h *halfConn) Write(p []byte) (int, error) {
	data := append([]byte(nil), p...)
	select {
	case h.of.said <- saying{from: h, data: data}:
	case <-h.of.ctx.Done():
		return 0, context.Cause(h.of.ctx)
	}
	select {
	case h.peer.heard <- data:
	case <-h.of.ctx.Done():
		return 0, context.Cause(h.of.ctx)
	}
	return len(p), nil
}

func (h *halfConn) Read(p []byte) (int, error) {
	if len(h.left) == 0 {
		select {
		case data, ok := <-h.heard:
			if !ok {
				return 0, io.EOF
			}
			h.left = data
		case <-h.of.ctx.Done():
			return 0, context.Cause(h.of.ctx)
		}
	}
	n := copy(p, h.left)
	h.left = h.left[n:]
	return n, nil
}

// finish says FIN.
func (h *halfConn) finish() {
	select {
	case h.of.said <- saying{from: h, closed: true}:
	case <-h.of.ctx.Done():
	}
	close(h.peer.heard)
}

func (h *halfConn) Close() error                     { return nil }
func (h *halfConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (h *halfConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (h *halfConn) SetDeadline(time.Time) error      { return nil }
func (h *halfConn) SetReadDeadline(time.Time) error  { return nil }
func (h *halfConn) SetWriteDeadline(time.Time) error { return nil }
