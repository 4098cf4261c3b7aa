package coraza

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"mime"
	"strings"

	"github.com/corazawaf/coraza/v3/experimental/plugins/plugintypes"
)

// Bounds of what the engine would otherwise make of one body. It keeps every part and every value apart, in memory and,
// for uploads, in a file each, and looks at them one by one with every rule.
const (
	maxUploads  = 1000    // parts of a multipart body that are files; other parts count as arguments
	maxXMLMarks = 100_000 // tags and attributes of an XML body
	maxBoundary = 256     // bytes; RFC 2046 section 5.1.1 allows 70
)

// preread reads a body before the engine does, for what the engine neither bounds nor tells, and sets the variables by
// which rules 200002, 200003 and 200007 refuse it. skip says that the engine must not read it at all.
func preread(body io.ReadSeeker, processor, contentType string, arguments int, v plugintypes.TransactionVariables) (skip bool, err error) {
	switch strings.ToUpper(processor) {
	case "MULTIPART":
		skip, err = prereadMultipart(body, contentType, arguments, v)
	case "XML":
		skip, err = prereadXML(body, v)
	default:
		return false, nil
	}
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	return skip, err
}

// prereadMultipart counts parts, and finds what stands before the first and behind the last boundary: parsers differ in
// whether they go on there (RFC 2046 section 5.1.1 lets them ignore it).
func prereadMultipart(body io.Reader, contentType string, arguments int, v plugintypes.TransactionVariables) (skip bool, err error) {
	_, params, err := mime.ParseMediaType(contentType)
	boundary := params["boundary"]
	if err != nil || boundary == "" || len(boundary) > maxBoundary {
		set(v.MultipartStrictError(), "1")
		return false, nil //nolint:nilerr // the engine says the same
	}
	delimiter := []byte("--" + boundary)
	parts, uploads, head, closed, outside, fresh := 0, 0, false, false, false, true
	r := bufio.NewReader(body)
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case fresh && bytes.HasPrefix(line, delimiter):
			parts++
			head = true
			outside = outside || closed
			closed = closed || bytes.HasPrefix(line[len(delimiter):], []byte("--"))
		case (parts == 0 || closed) && len(bytes.TrimSpace(line)) > 0:
			outside = true
		case head && len(bytes.TrimSpace(line)) == 0:
			head = false
		case head && bytes.Contains(bytes.ToLower(line), []byte("filename")):
			uploads++
		}
		fresh = !errors.Is(err, bufio.ErrBufferFull)
		if fresh && err != nil {
			if !errors.Is(err, io.EOF) {
				return false, err
			}
			break
		}
	}
	if outside {
		set(v.MultipartStrictError(), "1")
	}
	if parts > arguments+1 || uploads > maxUploads { // the last boundary begins none
		set(v.ArgumentsLimitReached(), "1")
		return true, nil
	}
	return false, nil
}

var entityDeclaration = []byte("<!ENTITY")

// prereadXML bounds tags and attributes, and refuses declarations of entities: the engine does not expand them, so that
// rules would not see what they stand for.
func prereadXML(body io.Reader, v plugintypes.TransactionVariables) (skip bool, err error) {
	var buf [32 << 10]byte
	kept, marks, entities := 0, 0, false
	for {
		n, err := body.Read(buf[kept:])
		fresh := buf[kept : kept+n]
		marks += bytes.Count(fresh, []byte("<")) + bytes.Count(fresh, []byte("="))
		all := buf[:kept+n]
		entities = entities || bytes.Contains(all, entityDeclaration)
		kept = copy(buf[:], all[len(all)-min(len(all), len(entityDeclaration)-1):])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, err
		}
	}
	if entities {
		set(v.RequestBodyError(), "1")
		set(v.RequestBodyErrorMsg(), "XML that declares entities")
	}
	if marks > maxXMLMarks {
		set(v.ArgumentsLimitReached(), "1")
		return true, nil
	}
	return false, nil
}
