package originlog

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// maxFields bounds how many fields a #Fields directive may name.
const maxFields = 64

// directive takes note of a line that begins with "#" (W3C extended log file format).
func (s *reader) directive(line string) {
	name, value, _ := strings.Cut(line[1:], ":")
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "software":
		s.httperr = strings.HasPrefix(value, "Microsoft HTTP")
	case "date":
		s.day, _, _ = strings.Cut(value, " ")
	case "fields":
		s.fields = strings.Fields(strings.ToLower(value))
		if len(s.fields) > maxFields {
			s.fields = s.fields[:maxFields]
		}
	}
}

// extended reads a line of IIS: HTTPERR, or W3C. Times are UTC.
func (s *reader) extended(e *Entry, line string) error {
	values := strings.Fields(line)
	// http.sys leaves the last ones out on some versions; date, time and the reason must be there. Where there are more, a field has
	// spaces in it, which neither writes, and all behind it stand in the wrong place.
	if len(values) > len(s.fields) || len(values) < len(s.fields) && (!s.httperr || len(values) < 4) {
		return errFields
	}
	var x extendedLine
	for i, name := range s.fields {
		if i < len(values) && values[i] != "-" {
			x.set(name, values[i])
		}
	}
	if x.date == "" {
		x.date = s.day
	}
	at, err := time.Parse("2006-01-02 15:04:05", x.date+" "+x.time)
	if err != nil {
		return errTime
	}
	e.At, e.Fine = at, strings.Contains(x.time, ".")
	e.Method, e.Status, e.Substatus, e.Win32, e.Took = bounded(x.method), x.status, x.substatus, x.win32, x.took
	if x.target != "" {
		if x.query != "" {
			x.target += "?" + x.query
		}
		e.Target = s.target(x.target)
	}
	if addr, err := netip.ParseAddr(x.client); err == nil {
		e.From = netip.AddrPortFrom(addr.Unmap(), x.port)
	}
	e.Format, e.When = W3C, Ended
	e.Code = strconv.Itoa(x.status)
	if x.substatus > 0 {
		e.Code += "." + strconv.Itoa(x.substatus)
	}
	if s.httperr || x.reason != "" {
		e.Format, e.When, e.Phrase, e.Code = HTTPErr, During, bounded(x.reason), bounded(x.reason)
		if x.queue != "" {
			e.Message = s.message("queue " + x.queue)
		}
	}
	return nil
}

// extendedLine are the values of a line by their fields.
type extendedLine struct {
	date, time, client, method, target, query, reason, queue string
	port                                                     uint16
	status, substatus, win32                                 int
	took                                                     int64
}

func (x *extendedLine) set(name, value string) {
	switch name {
	case "date":
		x.date = value
	case "time":
		x.time = value
	case "c-ip":
		x.client = value
	case "c-port":
		x.port = uint16(number(value, 65535))
	case "cs-method":
		x.method = value
	case "cs-uri", "cs-uri-stem":
		x.target = value
	case "cs-uri-query":
		x.query = value
	case "sc-status":
		x.status = number(value, 999)
	case "sc-substatus":
		x.substatus = number(value, 999)
	case "sc-win32-status":
		x.win32 = number(value, 1<<31-1)
	case "time-taken":
		x.took = int64(number(value, 1<<31-1)) * int64(time.Millisecond)
	case "s-reason":
		x.reason = value
	case "s-queuename":
		x.queue = value
	}
}

// number is s as a number up to most, 0 for anything else.
func number(s string, most int) int {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > uint64(most) {
		return 0
	}
	return int(n)
}
