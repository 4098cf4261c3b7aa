package originlog

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// freb reads a file of IIS' Failed Request Tracing (fr000001.xml): one request with its events.
func (s *reader) freb() error {
	d := xml.NewDecoder(io.LimitReader(s.lines, maxRecord))
	d.Strict = true
	d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("it is in %s: save it as UTF-8", bounded(charset))
	}
	var e *Entry
	var data frebData
	depth := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			s.n, _ = d.InputPos()
			s.damaged(fmt.Errorf("no XML: %s", bounded(err.Error())))
			break // what was read counts
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				s.n, _ = d.InputPos()
				s.damaged(fmt.Errorf("elements stand more than %d deep", maxDepth))
				return nil
			}
			switch t.Name.Local {
			case "failedRequest":
				if e == nil {
					e = s.frebRequest(t.Attr)
				}
			case "TimeCreated":
				data.created(t.Attr)
			case "Data":
				data.name = attr(t.Attr, "Name")
			}
		case xml.CharData:
			data.take(string(t))
		case xml.EndElement:
			data.name = ""
			depth--
		}
	}
	if e == nil || data.first.IsZero() {
		s.n = 1
		s.damaged(errors.New("no failedRequest with a time in it"))
		return nil
	}
	e.At, e.Fine = data.first.UTC(), true
	if a, err := netip.ParseAddr(strings.TrimSpace(data.client)); err == nil {
		e.From = netip.AddrPortFrom(a.Unmap(), uint16(number(strings.TrimSpace(data.port), 65535)))
	}
	if data.module != "" {
		e.Message = s.message("set by " + data.module)
	}
	s.n = 1
	s.add(e)
	return nil
}

// frebRequest is what the attributes of the request say.
func (s *reader) frebRequest(attrs []xml.Attr) *Entry {
	e := &Entry{When: Began}
	e.Format, e.Method = Freb, bounded(attr(attrs, "verb"))
	if _, rest, ok := strings.Cut(attr(attrs, "url"), "://"); ok {
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			e.Target = s.target(rest[i:])
		}
	}
	status, sub, _ := strings.Cut(attr(attrs, "statusCode"), ".")
	e.Status, e.Substatus = number(status, 999), number(sub, 999)
	e.Phrase = bounded(attr(attrs, "failureReason"))
	e.Took = int64(number(attr(attrs, "timeTaken"), 1<<31-1)) * int64(time.Millisecond)
	if e.Code = strconv.Itoa(e.Status); e.Substatus > 0 {
		e.Code += "." + strconv.Itoa(e.Substatus)
	}
	return e
}

// frebData are the data of events that count.
type frebData struct {
	name                 string // of the element that is being read
	client, port, module string
	first                time.Time
}

func (d *frebData) created(attrs []xml.Attr) {
	if at, err := time.Parse(time.RFC3339Nano, attr(attrs, "SystemTime")); err == nil && d.first.IsZero() {
		d.first = at
	}
}

func (d *frebData) take(text string) {
	var to *string
	switch d.name {
	case "RemoteAddress":
		to = &d.client
	case "RemotePort":
		to = &d.port
	case "ModuleName":
		to = &d.module
	default:
		return
	}
	if d.name == "ModuleName" {
		*to = "" // the last one set the status
	}
	if len(*to) < 100 {
		*to += bounded(text)
	}
}

func attr(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
