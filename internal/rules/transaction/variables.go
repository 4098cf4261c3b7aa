package transaction

import (
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/body"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// values returns the values of v, which is not one that changes while rules run (see volatile). They are filled when first asked for.
func (w *work) values(v seclang.Variable) []value {
	if !w.filled[v] {
		w.filled[v] = true
		w.used = append(w.used, v)
		w.fill(v)
	}
	return w.vars[v]
}

// set makes text the only value of v.
func (w *work) set(v seclang.Variable, s string) {
	if !w.filled[v] {
		w.filled[v] = true
		w.used = append(w.used, v)
	}
	w.vars[v] = append(w.vars[v][:0], value{text: text{s: s}})
}

// forget makes v be filled anew when it is asked for.
func (w *work) forget(list ...seclang.Variable) {
	for _, v := range list {
		if w.filled[v] {
			w.vars[v] = w.vars[v][:0]
			w.fill(v)
		}
	}
}

func (w *work) add(v seclang.Variable, key, s string) {
	w.vars[v] = append(w.vars[v], value{key: key, text: text{s: s}})
}

// one returns the value of a variable that has no keys.
func (w *work) oneOf(v seclang.Variable) string {
	if list := w.values(v); len(list) > 0 {
		return list[0].text.s
	}
	return ""
}

// fill gives v its values.
func (w *work) fill(v seclang.Variable) {
	switch v {
	case seclang.VarRequestHeaders:
		w.fillHeaders()
	case seclang.VarRequestHeadersNames:
		w.fillNames(v, seclang.VarRequestHeaders)
	case seclang.VarRequestCookies:
		w.fillCookies()
	case seclang.VarRequestCookiesNames:
		w.fillNames(v, seclang.VarRequestCookies)
	case seclang.VarArgsGetNames:
		w.fillNames(v, seclang.VarArgsGet)
	case seclang.VarArgsPostNames:
		w.fillNames(v, seclang.VarArgsPost)
	case seclang.VarResponseHeaders, seclang.VarResponseContentType, seclang.VarResponseStatus, seclang.VarResponseProtocol, seclang.VarStatusLine:
		w.fillReply(v)
	case seclang.VarResponseHeadersNames:
		w.fillNames(v, seclang.VarResponseHeaders)
	case seclang.VarRemoteAddr, seclang.VarRemoteHost, seclang.VarRemotePort, seclang.VarServerAddr, seclang.VarServerPort, seclang.VarServerName:
		w.add(v, "", w.connection(v))
	case seclang.VarUniqueID:
		w.add(v, "", w.x.ID)
	case seclang.VarArgsCombinedSize:
		w.add(v, "", strconv.Itoa(size(w.values(seclang.VarArgsGet))+size(w.values(seclang.VarArgsPost))))
	case seclang.VarAuthType:
		kind, _, _ := strings.Cut(w.x.Request.Header.Get("Authorization"), " ")
		w.add(v, "", kind)
	case seclang.VarFullRequest, seclang.VarFullRequestLength:
		w.fillWhole(v)
	case seclang.VarTime, seclang.VarTimeDay, seclang.VarTimeEpoch, seclang.VarTimeHour, seclang.VarTimeMin, seclang.VarTimeMon,
		seclang.VarTimeSec, seclang.VarTimeWday, seclang.VarTimeYear:
		w.add(v, "", clock(v, w.x.Start))
	default:
		if s, ok := initially(v); ok {
			w.add(v, "", s)
		}
	}
}

// initially is the value of a variable without keys that nothing has set.
func initially(v seclang.Variable) (s string, single bool) {
	switch v {
	case seclang.VarURIParseError, seclang.VarUrlencodedError, seclang.VarArgumentsLimitReached, seclang.VarFilesCombinedSize,
		seclang.VarMultipartDataAfter, seclang.VarMultipartDataBefore, seclang.VarMultipartDuplicatePartHeader, seclang.VarMultipartInvalidQuoting,
		seclang.VarMultipartBoundaryQuoted, seclang.VarMultipartBoundaryWhitespace, seclang.VarMultipartCRLFLFLines,
		seclang.VarMultipartFileLimitExceeded, seclang.VarMultipartHeaderFolding, seclang.VarMultipartInvalidHeaderFolding,
		seclang.VarMultipartInvalidPart, seclang.VarMultipartLFLine, seclang.VarMultipartMissingSemicolon, seclang.VarMultipartStrictError,
		seclang.VarMultipartUnmatchedBoundary, seclang.VarInboundDataError, seclang.VarOutboundDataError,
		seclang.VarReqbodyError, seclang.VarReqbodyProcessorError, seclang.VarRequestBodyLength,
		seclang.VarResBodyError, seclang.VarResBodyProcessorError:
		return "0", true
	}
	return "", !v.Collection()
}

func (w *work) fillHeaders() {
	r := &w.x.Request
	for i := range r.Header {
		if f := &r.Header[i]; f.Name != "" {
			w.add(seclang.VarRequestHeaders, f.Name, f.Value)
		}
	}
	if r.Authority != "" && !r.Header.Has("Host") {
		w.add(seclang.VarRequestHeaders, "Host", r.Authority)
	}
	for i := range w.request.trailer {
		f := &w.request.trailer[i]
		w.add(seclang.VarRequestHeaders, f.Name, f.Value)
	}
}

// fillNames gives names the names of the values of from.
func (w *work) fillNames(names, from seclang.Variable) {
	list := w.values(from)
	for i := range list {
		w.add(names, list[i].key, list[i].key)
	}
}

func (w *work) fillCookies() {
	list := w.values(seclang.VarRequestHeaders)
	for i := range list {
		if !exchange.EqualFold(list[i].key, "Cookie") {
			continue
		}
		w.spend(len(list[i].text.s))
		w.fields, _ = w.query.Cookies(w.fields[:0], list[i].text.s, 0)
		w.addFields(seclang.VarRequestCookies, w.fields)
	}
}

func (w *work) addFields(v seclang.Variable, list []body.Field) {
	for i := range list {
		w.add(v, list[i].Name, list[i].Value)
	}
}

func (w *work) connection(v seclang.Variable) string {
	c := w.x.Client
	switch {
	case v == seclang.VarServerName:
		return hostOnly(w.x.Request.Authority)
	case c == nil:
		return ""
	case v == seclang.VarRemoteAddr:
		return w.x.Address().Unmap().String()
	case v == seclang.VarRemotePort:
		return strconv.Itoa(int(c.Addr.Port()))
	case v == seclang.VarServerAddr:
		return c.Local.Addr().Unmap().String()
	case v == seclang.VarServerPort:
		return strconv.Itoa(int(c.Local.Port()))
	}
	return "" // the name of the client is not looked up
}

// size returns the bytes of the names and values of list.
func size(list []value) (n int) {
	for i := range list {
		n += len(list[i].key) + len(list[i].text.s)
	}
	return n
}

// fillWhole puts the request together again, as far as it is known.
func (w *work) fillWhole(v seclang.Variable) {
	at := len(w.buf)
	w.buf = append(append(w.buf, w.oneOf(seclang.VarRequestLine)...), "\r\n"...)
	list := w.values(seclang.VarRequestHeaders)
	for i := range list {
		w.buf = append(append(append(append(w.buf, list[i].key...), ": "...), list[i].text.s...), "\r\n"...)
	}
	w.buf = append(append(w.buf, "\r\n"...), w.request.text...)
	if v == seclang.VarFullRequestLength {
		w.add(v, "", strconv.Itoa(len(w.buf)-at))
	} else {
		w.spend(len(w.buf) - at)
		w.add(v, "", w.hold(unsafe.String(unsafe.SliceData(w.buf[at:]), len(w.buf)-at)))
	}
	w.buf = w.buf[:at]
}

func (w *work) fillReply(v seclang.Variable) {
	r := w.response
	if r == nil {
		if !v.Collection() {
			w.add(v, "", "")
		}
		return
	}
	switch v {
	case seclang.VarResponseHeaders:
		for i := range r.Header {
			if f := &r.Header[i]; f.Name != "" {
				w.add(v, f.Name, f.Value)
			}
		}
	case seclang.VarResponseContentType:
		kind := ""
		for i := range r.Header {
			if exchange.EqualFold(r.Header[i].Name, "Content-Type") {
				kind, _, _ = strings.Cut(r.Header[i].Value, ";")
			}
		}
		w.add(v, "", kind)
	case seclang.VarResponseStatus:
		w.add(v, "", strconv.Itoa(r.Status))
	case seclang.VarResponseProtocol:
		w.add(v, "", r.Proto.String())
	case seclang.VarStatusLine:
		w.add(v, "", r.Proto.String()+" "+strconv.Itoa(r.Status)+" "+r.Phrase)
	}
}

// clock returns a variable of the time at which the request came, in local time.
func clock(v seclang.Variable, at time.Time) string {
	if at.IsZero() {
		at = time.Now()
	}
	at = at.Local() //nolint:gosmopolitan // SecLang says so
	switch v {
	case seclang.VarTime:
		return at.Format(time.TimeOnly)
	case seclang.VarTimeDay:
		return strconv.Itoa(at.Day())
	case seclang.VarTimeEpoch:
		return strconv.FormatInt(at.Unix(), 10)
	case seclang.VarTimeHour:
		return at.Format("15")
	case seclang.VarTimeMin:
		return at.Format("04")
	case seclang.VarTimeMon:
		return strconv.Itoa(int(at.Month()))
	case seclang.VarTimeSec:
		return at.Format("05")
	case seclang.VarTimeWday:
		return strconv.Itoa(int(at.Weekday()))
	}
	return strconv.Itoa(at.Year())
}
