package body

import "strings"

// Lookup finds a processor by its name in ctl:requestBodyProcessor, regardless of case.
func Lookup(name string) (Processor, bool) {
	for _, p := range []struct {
		name string
		is   Processor
	}{
		{"URLENCODED", URLEncoded}, {"MULTIPART", MultipartForm}, {"JSON", JSON}, {"XML", XML}, {"RAW", Raw},
		{"GRAPHQL", GraphQL}, {"GRPC", GRPC}, {"PROTOBUF", Protobuf},
	} {
		if strings.EqualFold(p.name, name) {
			return p.is, true
		}
	}
	return None, false
}

// ByType finds the processor for a Content-Type; None for one that is unknown, whose body [Sniff] looks at.
func ByType(contentType string) Processor {
	media := contentType
	if i := strings.IndexAny(media, ";, \t"); i >= 0 {
		media = media[:i]
	}
	for _, t := range []struct {
		media string
		is    Processor
	}{
		{"application/x-www-form-urlencoded", URLEncoded}, {"application/json", JSON}, {"text/json", JSON}, {"application/xml", XML}, {"text/xml", XML},
		{"application/graphql", GraphQL}, {"application/grpc", GRPC}, {"application/grpc-web", GRPC}, {"application/grpc-web-text", GRPC},
		{"application/x-protobuf", Protobuf}, {"application/protobuf", Protobuf}, {"application/vnd.google.protobuf", Protobuf},
	} {
		if strings.EqualFold(t.media, media) {
			return t.is
		}
	}
	switch suffix := media[strings.LastIndexByte(media, '+')+1:]; {
	case hasPrefixFold(media, "multipart/"):
		return MultipartForm
	case hasPrefixFold(media, "application/grpc") && (strings.EqualFold(suffix, "json") || strings.EqualFold(suffix, "thrift")):
		return Raw // framed like gRPC, but no protobuf
	case hasPrefixFold(media, "application/grpc"):
		return GRPC
	case len(suffix) < len(media) && strings.EqualFold(suffix, "json"):
		return JSON
	case len(suffix) < len(media) && strings.EqualFold(suffix, "xml"):
		return XML
	}
	return None
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// maxHead is how many bytes of a body must be text for the whole to count as text.
const maxHead = 64 << 10

// Sniff says how to read a body of a type that nobody parses: JSON by its look and, unless it is partial, by its syntax, as frameworks do read JSON
// that is sent as text/plain; other text as a form, unless it holds more pairs than rules look at; anything else Raw.
func Sniff(text string, partial bool, l Limits) Processor {
	l = l.withDefaults()
	head := text[:min(len(text), maxHead)]
	if text == "" || !IsText(text) {
		return Raw
	}
	if looksJSON(head) && (partial || validJSON(text, l)) {
		return JSON
	}
	if strings.Count(text, string(rune(l.Separator))) < l.Values {
		return URLEncoded
	}
	return Raw
}

// IsText reports whether the first 64 KiB of s hold none of the control characters that no text has.
func IsText(s string) bool {
	head := s[:min(len(s), maxHead)]
	return textPrefix(head) == len(head)
}

const byteOrderMark = "\xef\xbb\xbf"

// looksJSON reports whether s begins as a JSON object, array or string.
func looksJSON(s string) bool {
	s = strings.TrimLeft(strings.TrimPrefix(s, byteOrderMark), " \t\r\n")
	return s != "" && (s[0] == '{' || s[0] == '[' || s[0] == '"')
}

// validJSON reports whether text is JSON as far as l lets it be read.
func validJSON(text string, l Limits) bool {
	s := jsonScan{r: new(Result), text: text, limits: l, dry: true}
	s.scan()
	return s.r.Error == "" || s.r.TooMany
}
