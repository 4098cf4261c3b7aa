package transaction

import (
	"net"
	"net/url"
	"strings"
	"unsafe"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// fillRequest sets what follows from the request's line and head.
func (w *work) fillRequest() {
	r := &w.x.Request
	w.set(seclang.VarRequestMethod, r.Method)
	w.set(seclang.VarRequestProtocol, r.Version())
	w.set(seclang.VarRequestURIRaw, r.Target)
	w.set(seclang.VarRequestLine, w.requestLine(r))
	uri, _, _ := strings.Cut(r.Target, "#")
	path, query, whole := splitURI(uri)
	if !whole {
		var ok bool
		if uri, path, query, ok = parseURI(uri); !ok {
			w.set(seclang.VarURIParseError, "1")
		}
	}
	w.set(seclang.VarRequestURI, uri)
	w.set(seclang.VarRequestFilename, path)
	w.set(seclang.VarQueryString, query)
	w.set(seclang.VarRequestBasename, basename(path))
	w.spend(len(query))
	many := false
	w.fields, many = w.query.Query(w.fields[:0], query, w.plan.separator(), w.engine.cfg.Arguments)
	if many {
		w.set(seclang.VarArgumentsLimitReached, "1")
	}
	w.filled[seclang.VarArgsGet] = true
	w.used = append(w.used, seclang.VarArgsGet)
	w.addFields(seclang.VarArgsGet, w.fields)
	w.set(seclang.VarReqbodyProcessor, processorOf(r.Header))
}

// requestLine is the line as it came; it is put together without an allocation.
func (w *work) requestLine(r *exchange.Request) string {
	if r.RawLine != "" {
		return r.RawLine
	}
	at := len(w.buf)
	w.buf = append(append(append(append(append(w.buf, r.Method...), ' '), r.Target...), ' '), r.Proto.String()...)
	line := w.hold(unsafe.String(unsafe.SliceData(w.buf[at:]), len(w.buf)-at))
	w.buf = w.buf[:at]
	return line
}

// splitURI splits a URI of the usual form that holds nothing to decode; whole is false for any other.
func splitURI(uri string) (path, query string, whole bool) {
	if uri == "" || uri[0] != '/' || strings.HasPrefix(uri, "//") {
		return "", "", false
	}
	path, query, _ = strings.Cut(uri, "?")
	for i := 0; i < len(path); i++ {
		if !plain(path[i]) {
			return "", "", false
		}
	}
	for i := 0; i < len(query); i++ {
		if query[i] < ' ' || query[i] == 0x7f {
			return "", "", false
		}
	}
	return path, query, true
}

// plain reports whether a byte of a path stands for itself and stays so when the path is written again.
func plain(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("/-_.~$&+,:;=@!'()*[]", c) >= 0
}

// parseURI reads a URI that is not of the usual form.
func parseURI(uri string) (whole, path, query string, ok bool) {
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		path, query, _ = strings.Cut(uri, "?")
		return uri, path, query, false
	}
	return u.String(), u.Path, u.RawQuery, true
}

// basename returns what stands behind the last slash, or the whole where that is nothing.
func basename(path string) string {
	if i := strings.LastIndexAny(path, `/\`); i >= 0 && i+1 < len(path) {
		return path[i+1:]
	}
	return path
}

func hostOnly(authority string) string {
	if strings.IndexByte(authority, ':') < 0 {
		return authority
	}
	if host, _, err := net.SplitHostPort(authority); err == nil {
		return host
	}
	return authority
}

// processorOf returns how the first Content-Type says that the body is to be read, where that is beyond doubt. Only the first counts:
// it is what an origin reads.
func processorOf(h exchange.Header) string {
	kind := strings.TrimSpace(h.Get("Content-Type"))
	switch {
	case hasPrefixFold(kind, "application/x-www-form-urlencoded"):
		return "URLENCODED"
	case hasPrefixFold(kind, "multipart/form-data"):
		return "MULTIPART"
	}
	return ""
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && exchange.EqualFold(s[:len(prefix)], prefix)
}

// fillResponse notes the response, whose variables are filled when they are asked for.
func (w *work) fillResponse(r *exchange.Response) {
	w.response = r
	w.forget(seclang.VarResponseHeaders, seclang.VarResponseHeadersNames, seclang.VarResponseContentType, seclang.VarResponseStatus,
		seclang.VarResponseProtocol, seclang.VarStatusLine)
}

// separator is what stands between the pairs of queries and forms.
func (p *plan) separator() byte {
	if c := p.program.Settings.Separator; c != 0 {
		return c
	}
	return '&'
}
