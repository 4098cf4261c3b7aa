package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// maxFrame bounds what a peer may send at once, in bytes (RFC 9113 section 4.2).
const maxFrame = 1 << 14

// stream is one request of an HTTP/2 connection.
type stream struct {
	id, before uint32 // before is the stream that was answered last
	r          *http.Request
	body       int64
	starve     bool // no credit for its body
}

// serveH2 serves an HTTP/2 connection, one frame after another.
func (s *session) serveH2() error {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(s.conn, preface); err != nil || string(preface) != http2.ClientPreface {
		return errors.Join(errors.New("read preface: it is none"), err)
	}
	fr := http2.NewFramer(s.conn, s.conn)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	fr.SetMaxReadFrameSize(maxFrame)
	if err := fr.WriteSettings(); err != nil {
		return err
	}
	if s.o.fault.h2 != nil && s.o.fault.atPreface {
		return s.o.fault.h2(s, fr, &stream{})
	}
	streams := map[uint32]*stream{}
	for {
		_ = s.nc.SetDeadline(time.Now().Add(s.o.cfg.Idle))
		f, err := fr.ReadFrame()
		if err != nil {
			_ = s.conn.Close()
			return err
		}
		if err := s.frame(fr, f, streams); err != nil {
			return err
		}
	}
}

func (s *session) frame(fr *http2.Framer, f http2.Frame, streams map[uint32]*stream) error {
	id := f.Header().StreamID
	ended := false
	switch f := f.(type) {
	case *http2.SettingsFrame:
		if !f.IsAck() {
			return fr.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return fr.WritePing(true, f.Data)
		}
	case *http2.RSTStreamFrame:
		delete(streams, id)
	case *http2.MetaHeadersFrame:
		st := &stream{id: id, before: s.lastStream, r: request(f)}
		streams[id] = st
		s.n++
		s.note(Requested, st.r.Method+" "+st.r.RequestURI)
		if s.o.fault.h2 != nil {
			if err := s.o.fault.h2(s, fr, st); err != nil {
				delete(streams, id)
				if errors.Is(err, errDone) {
					return nil
				}
				return err
			}
		}
		ended = f.StreamEnded()
	case *http2.DataFrame:
		if err := s.data(fr, f, streams[id]); err != nil {
			return err
		}
		ended = f.StreamEnded()
	}
	if st := streams[id]; st != nil && ended {
		delete(streams, id)
		s.lastStream = id
		return s.answerH2(fr, st)
	}
	return nil
}

// data gives credit for what came, unless its stream is to starve.
func (s *session) data(fr *http2.Framer, f *http2.DataFrame, st *stream) error {
	n := f.Header().Length
	if st != nil {
		st.body += int64(len(f.Data()))
	}
	if n == 0 || st != nil && st.starve {
		return nil
	}
	if err := fr.WriteWindowUpdate(0, n); err != nil {
		return err
	}
	if st == nil || f.StreamEnded() {
		return nil
	}
	return fr.WriteWindowUpdate(st.id, n)
}

func request(f *http2.MetaHeadersFrame) *http.Request {
	r := &http.Request{Method: f.PseudoValue("method"), RequestURI: f.PseudoValue("path"), Host: f.PseudoValue("authority"), Header: http.Header{}, Body: http.NoBody}
	if r.URL, _ = url.ParseRequestURI(r.RequestURI); r.URL == nil {
		r.URL = &url.URL{Path: "/"}
	}
	for _, h := range f.RegularFields() {
		r.Header.Add(h.Name, h.Value)
	}
	return r
}

func (s *session) answerH2(fr *http2.Framer, st *stream) error {
	page := s.describe(st.r, st.body)
	if err := writeHead(fr, st.id, "200", len(page)); err != nil {
		return err
	}
	s.note(Answered, "200")
	return fr.WriteData(st.id, true, []byte(page))
}

func writeHead(fr *http2.Framer, id uint32, status string, length int) error {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":status", status}, {"server", "lunette-lab"}, {"content-type", "text/plain"}, {"content-length", fmt.Sprint(length)}} {
		if err := enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}); err != nil {
			return err
		}
	}
	return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true})
}
