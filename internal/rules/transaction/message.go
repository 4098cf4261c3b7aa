package transaction

import (
	"errors"
	"io"
	"strconv"
	"unsafe"

	"github.com/lunette-waf/lunette/internal/exchange"
	"github.com/lunette-waf/lunette/internal/rules/body"
	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// maxBinary is how much rules are shown of a body that is no text and of no type that is parsed: enough for the signatures of
// serialised objects, and too little for noise to look like an attack.
const maxBinary = 4 << 10

// requestBody is what is known of the request's body.
type requestBody struct {
	text    string
	size    int64 // bytes that came
	shown   int64 // bytes of them that rules saw
	trailer exchange.Header
}

// readRequestBody reads a body and sets what follows from it. An error is the reader's.
func (w *work) readRequestBody(r io.Reader, partial bool) error {
	if r == nil {
		return nil
	}
	var err error
	if w.rawBody, err = readAll(r, w.rawBody[:0]); err != nil {
		return err
	}
	b := &w.request
	b.text = unsafe.String(unsafe.SliceData(w.rawBody), len(w.rawBody))
	b.size, b.shown = int64(len(b.text)), int64(len(b.text))
	if partial {
		w.set(seclang.VarInboundDataError, "1")
	} else if w.x.Request.Body != nil {
		b.trailer = w.x.Request.Body.Trailer() // an origin may take them for fields of the head
	}
	w.set(seclang.VarRequestBodyLength, strconv.FormatInt(b.size, 10))
	if w.bodyAccess && b.text != "" {
		if w.bodyLimit >= 0 && w.bodyLimit < b.size {
			b.text, b.shown, partial = b.text[:w.bodyLimit], w.bodyLimit, true
			w.set(seclang.VarInboundDataError, "1")
		}
		w.process(partial)
	} else {
		b.text, b.shown = "", 0
	}
	w.forget(seclang.VarArgsPostNames, seclang.VarArgsCombinedSize, seclang.VarFullRequest, seclang.VarFullRequestLength)
	if len(b.trailer) > 0 {
		w.forget(seclang.VarRequestHeaders, seclang.VarRequestHeadersNames)
	}
	return nil
}

// readAll reads r to its end into buf.
func readAll(r io.Reader, buf []byte) ([]byte, error) {
	if s, ok := r.(io.Seeker); ok {
		size, err := s.Seek(0, io.SeekEnd)
		if err != nil {
			return buf, err
		}
		if _, err = s.Seek(0, io.SeekStart); err != nil {
			return buf, err
		}
		if int64(cap(buf)) <= size {
			buf = make([]byte, 0, size+1)
		}
	}
	for idle := 0; ; {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, err
		case n > 0:
			idle = 0
		default:
			if idle++; idle > 100 {
				return buf, io.ErrNoProgress
			}
		}
	}
}

// process reads the body in the way that its type or a rule says.
func (w *work) process(partial bool) {
	b := &w.request
	limits := w.engine.cfg.Body
	limits.Separator, limits.XMLArgs = w.plan.separator(), w.xmlArgs != seclang.ModeOff
	kind := w.x.Request.Header.Get("Content-Type")
	name := w.oneOf(seclang.VarReqbodyProcessor)
	p, known := body.Lookup(name)
	switch {
	case name == "":
		if p = body.ByType(kind); p == body.None {
			p = body.Sniff(b.text, partial, body.Limits{Values: w.engine.cfg.Arguments, Depth: limits.Depth, Separator: limits.Separator})
		}
		w.set(seclang.VarReqbodyProcessor, processorName(p))
	case !known:
		w.bodyError(name, "invalid body processor")
		return
	}
	switch p {
	case body.MultipartForm:
		limits.Values = w.engine.cfg.Arguments
	case body.URLEncoded:
		limits.Values = w.engine.cfg.Arguments
		w.set(seclang.VarRequestBody, b.text)
	case body.Raw:
		if name == "" && !body.IsText(b.text) {
			b.shown = min(b.size, maxBinary)
		}
		w.set(seclang.VarRequestBody, b.text[:b.shown])
	}
	w.spend(len(b.text))
	w.body.Process(p, kind, b.text, partial, limits)
	w.fillBody(p, name)
}

// fillBody sets what the processor found.
func (w *work) fillBody(p body.Processor, name string) {
	r := &w.body
	if r.Error != "" {
		w.bodyError(name, r.Error)
	}
	if r.TooMany && !r.Depth {
		w.set(seclang.VarArgumentsLimitReached, "1")
	}
	if r.InvalidEscape {
		w.set(seclang.VarUrlencodedError, "1")
	}
	w.addFields(seclang.VarArgsPost, r.Args)
	w.markFilled(seclang.VarArgsPost)
	switch p {
	case body.MultipartForm:
		w.fillMultipart()
	case body.XML:
		if w.xmlArgs == seclang.ModeOnlyArgs {
			break
		}
		for _, s := range r.Attributes {
			w.add(seclang.VarRequestXML, "//@*", s)
		}
		for _, s := range r.Texts {
			w.add(seclang.VarRequestXML, "/*", s)
		}
		w.markFilled(seclang.VarRequestXML)
	case body.JSON:
		w.tx.put(-1, "json_request_body", w.request.text)
	}
}

func (w *work) markFilled(v seclang.Variable) {
	if !w.filled[v] {
		w.filled[v] = true
		w.used = append(w.used, v)
	}
}

// fillMultipart sets what a multipart body holds besides arguments.
func (w *work) fillMultipart() {
	r := &w.body
	w.addFields(seclang.VarMultipartPartHeaders, r.PartHeaders)
	w.addFields(seclang.VarMultipartName, r.PartNames)
	total := 0
	for i := range r.Args {
		total += len(r.Args[i].Value)
	}
	for i := range r.Files {
		f := &r.Files[i]
		w.add(seclang.VarFiles, "", f.Name)
		w.add(seclang.VarFilesSizes, f.Name, strconv.Itoa(len(f.Content)))
		w.add(seclang.VarMultipartFilename, f.Field, f.Name)
		if f.Extended {
			w.add(seclang.VarMultipartFilenameCharset, f.Field, f.Charset)
			w.add(seclang.VarMultipartFilenameLanguage, f.Field, f.Language)
		}
		w.add(seclang.VarFilesTmpContent, f.Name, f.Content)
		if !f.Alternative {
			w.add(seclang.VarFilesNames, "", f.Field)
			total += len(f.Content)
		}
	}
	for _, v := range []seclang.Variable{
		seclang.VarMultipartPartHeaders, seclang.VarMultipartName, seclang.VarFiles, seclang.VarFilesSizes, seclang.VarMultipartFilename,
		seclang.VarMultipartFilenameCharset, seclang.VarMultipartFilenameLanguage, seclang.VarFilesTmpContent, seclang.VarFilesNames,
	} {
		w.markFilled(v)
	}
	w.set(seclang.VarFilesCombinedSize, strconv.Itoa(total))
	if r.Multipart.StrictError {
		w.set(seclang.VarMultipartStrictError, "1")
	}
	for _, v := range w.strictFlags() {
		w.set(v, "1")
	}
}

// bodyError says that the body cannot be read.
func (w *work) bodyError(name, text string) {
	if name == "" {
		name = w.oneOf(seclang.VarReqbodyProcessor)
	}
	w.set(seclang.VarReqbodyError, "1")
	w.set(seclang.VarReqbodyErrorMsg, name+": "+text)
	w.set(seclang.VarReqbodyProcessorError, "1")
	w.set(seclang.VarReqbodyProcessorErrorMsg, text)
}

// processorName is the name of p in REQBODY_PROCESSOR.
func processorName(p body.Processor) string {
	switch p {
	case body.URLEncoded:
		return "URLENCODED"
	case body.MultipartForm:
		return "MULTIPART"
	case body.JSON:
		return "JSON"
	case body.XML:
		return "XML"
	case body.GraphQL:
		return "GRAPHQL"
	case body.GRPC:
		return "GRPC"
	case body.Protobuf:
		return "PROTOBUF"
	}
	return "RAW"
}

// readResponseBody reads a response body and sets what follows from it. An error is the reader's.
func (w *work) readResponseBody(r io.Reader, partial bool) error {
	if partial {
		w.set(seclang.VarOutboundDataError, "1")
	}
	if r == nil || !w.replyAccess {
		return nil
	}
	var err error
	if w.rawReply, err = readAll(r, w.rawReply[:0]); err != nil {
		return err
	}
	s := unsafe.String(unsafe.SliceData(w.rawReply), len(w.rawReply))
	if w.replyLimit >= 0 && w.replyLimit < int64(len(s)) {
		s, partial = s[:w.replyLimit], true
		w.set(seclang.VarOutboundDataError, "1")
	}
	w.set(seclang.VarResponseBody, s)
	w.set(seclang.VarResponseContentLength, strconv.Itoa(len(s)))
	name := w.oneOf(seclang.VarResBodyProcessor)
	p, known := body.Lookup(name)
	if name == "" || s == "" {
		return nil
	}
	text := "invalid body processor"
	if known {
		w.spend(len(s))
		kind := ""
		if w.response != nil {
			kind = w.response.Header.Get("Content-Type")
		}
		w.reply.Process(p, kind, s, partial, w.engine.cfg.Body)
		w.addFields(seclang.VarResponseArgs, w.reply.Args)
		w.markFilled(seclang.VarResponseArgs)
		text = w.reply.Error
	}
	if text != "" {
		w.set(seclang.VarResBodyError, "1")
		w.set(seclang.VarResBodyErrorMsg, name+": "+text)
		w.set(seclang.VarResBodyProcessorError, "1")
		w.set(seclang.VarResBodyProcessorErrorMsg, text)
	}
	return nil
}
