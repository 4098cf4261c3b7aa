package httptimeline

import "github.com/lunette-waf/lunette/internal/fact"

// The opcodes of WebSocket (RFC 6455 section 5.2).
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// wsConn reads the frames of one WebSocket connection.
type wsConn struct {
	x    *Exchange
	side [3]wsSide
	run  wsRun
}

// wsSide is one direction of it.
type wsSide struct {
	header  [14]byte
	have    int   // bytes of header
	left    int64 // of the payload
	payload bool  // the header was read
	op      byte
	fin     bool
	mask    [4]byte
	masked  bool
	message byte  // opcode of the message that is being sent, 0 between messages
	size    int64 // of it
	length  int64 // of the frame's payload
	close   []byte
	lost    bool // framing is lost, nothing is read any more
	closed  bool
}

// wsRun is messages of one kind and side that are told as one fact.
type wsRun struct {
	side  fact.Side
	op    byte
	count int
	bytes int64
	at    fact.Stamp
}

func newWebSocket(x *Exchange, deflate bool) *wsConn {
	x.WebSocket = &WebSocket{Compressed: deflate}
	return &wsConn{x: x}
}

// data takes the next bytes of a side. They are no body, and no part of the time that the response took.
func (w *wsConn) data(t *Timeline, side fact.Side, at fact.Stamp, p []byte) {
	s := &w.side[side]
	for !s.lost {
		if !s.payload {
			if p = w.frameHeader(t, s, side, at, p); !s.payload {
				return
			}
		}
		n := min(s.left, int64(len(p)))
		w.take(s, side, p[:n])
		s.left -= n
		p = p[n:]
		if s.left > 0 {
			return
		}
		s.payload, s.have = false, 0
		w.frameOver(t, s, side, at)
	}
}

// take counts payload, and keeps that of a close frame.
func (w *wsConn) take(s *wsSide, side fact.Side, p []byte) {
	switch {
	case s.op < opClose:
		w.x.WebSocket.Bytes[side] += int64(len(p))
		s.size += int64(len(p))
	case s.op == opClose && len(s.close)+len(p) <= 125:
		s.close = append(s.close, p...)
	}
}

// kind is the opcode of the message that the frame is a part of.
func (s *wsSide) kind() byte {
	if s.op == opContinuation {
		return s.message
	}
	return s.op
}
