// Package body turns message bodies into the values that rules look at.
//
// Input: a whole body and its Content-Type, or a query string, or a Cookie field. Output: a [Result]: arguments, files, parts, text and attributes
// of XML. Values are views over the body; only what was decoded, and names that are put together, lie in a buffer that the Result owns.
// Promises: time and memory linear in the body, whatever it holds; every count and depth is bounded by [Limits], and reaching a bound is said; what
// cannot be parsed is said with what was read until then; no value that a lenient parser behind us could see is silently dropped: either it
// is shown, or Error, Multipart.StrictError or TooMany says that something is wrong. A Result that is reused does not allocate.
// Non-goals: rules, decoding of Content-Encoding, uploads in files, schemas (of XML, GraphQL or protobuf), charsets that do not contain ASCII.
// Where values differ from those of Coraza, docs/rules-bodies.md says how and why.
package body

import "fmt"

// Limits bound a body. The zero value is the documented default.
type Limits struct {
	Values  int // arguments, parts and leaves; 0 means 10,000
	Depth   int // of nesting in JSON, XML, GraphQL, protobuf; 0 means 256
	Files   int // parts of a multipart body that are files; 0 means 1,000
	Decoded int // bytes that compressed gRPC messages may come to; 0 means 4 MiB

	Separator byte // between the pairs of a form; 0 means "&"
	XMLArgs   bool // texts of XML are arguments too
}

// withDefaults fills in what is not set.
func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		at   *int
		than int
	}{{&l.Values, 10_000}, {&l.Depth, 256}, {&l.Files, 1_000}, {&l.Decoded, 4 << 20}} {
		if *d.at <= 0 {
			*d.at = d.than
		}
	}
	if l.Separator == 0 {
		l.Separator = '&'
	}
	return l
}

// Field is a name and a value.
type Field struct{ Name, Value string }

// File is a part of a multipart body that is a file.
type File struct {
	Field    string // name of the form's field
	Name     string // file name as given
	Content  string
	Charset  string // of filename*
	Language string
	Extended bool // it has a filename*

	// Alternative says that this is the part before once more, as another parser reads it: by its other file name, or with its
	// Content-Transfer-Encoding undone. It counts in FILES and MULTIPART_FILENAME, not in FILES_NAMES and FILES_COMBINED_SIZE.
	Alternative bool
}

// Multipart is what parsing a multipart body showed. Each is a variable MULTIPART_….
type Multipart struct {
	StrictError, BoundaryQuoted, BoundaryWhitespace, CRLFLFLines, DataBefore, DataAfter, FileLimitExceeded, HeaderFolding,
	InvalidHeaderFolding, InvalidPart, InvalidQuoting, LFLine, MissingSemicolon, UnmatchedBoundary, DuplicatePartHeader bool
}

// GraphQLShape counts what a GraphQL document holds.
type GraphQLShape struct {
	Operations, Fields, Aliases, Directives int
	Depth                                   int // of selection sets
}

// Result is what a body holds. Reset and reuse it: its slices keep their memory, and so what was read of them is void from then on.
// A Result belongs to one goroutine. The zero value is ready.
type Result struct {
	Args        []Field // ARGS_POST
	Files       []File
	PartHeaders []Field  // MULTIPART_PART_HEADERS: name of the part, header line
	PartNames   []Field  // MULTIPART_NAME
	Texts       []string // XML:/*
	Attributes  []string // XML://@*
	Markup      []string // of XML, what neither is: comments, processing instructions, the document type
	Multipart   Multipart
	GraphQL     GraphQLShape

	InvalidEscape bool   // URLENCODED_ERROR: a % in a form or query without two hexadecimal digits
	Error         string // REQBODY_ERROR_MSG; "" for none
	ErrorAt       int    // bytes of the body before what Error means
	TooMany       bool   // a bound of Limits was reached; what follows was not read
	Depth         bool   // it was that of depth

	arena  arena
	key    []byte  // the name of the value that is being read
	frames []frame // what is open around it
	names  []string
	steps  int // work done; a test holds that it is linear
}

// frame is an array, an object, an element or a selection that is open.
type frame struct {
	prefix int // bytes of the name of what it is in
	count  int // of its elements
	object bool
}

// maxKept is how many bytes of memory of each kind a Result keeps for the next body.
const maxKept = 1 << 20

// Reset empties r and keeps its memory.
func (r *Result) Reset() {
	clear(r.Args)
	clear(r.Files)
	clear(r.PartHeaders)
	clear(r.PartNames)
	for _, l := range [][]string{r.Texts, r.Attributes, r.Markup, r.names} {
		clear(l)
	}
	r.arena.reset()
	key := r.key[:0]
	if cap(key) > maxKept {
		key = nil
	}
	*r = Result{
		Args: r.Args[:0], Files: r.Files[:0], PartHeaders: r.PartHeaders[:0], PartNames: r.PartNames[:0],
		Texts: r.Texts[:0], Attributes: r.Attributes[:0], Markup: r.Markup[:0],
		arena: r.arena, key: key, frames: r.frames[:0], names: r.names[:0],
	}
}

// Processor is a way to read a body, by its name in ctl:requestBodyProcessor.
type Processor uint8

// The processors.
const (
	None Processor = iota
	URLEncoded
	MultipartForm
	JSON
	XML
	Raw
	GraphQL
	GRPC // length-prefixed protobuf messages
	Protobuf
)

// Process reads text by p and adds what it holds to r. partial says that the message goes on behind text: then its end in the midst of something is
// no error. Of an empty text nothing is read. None and Raw add nothing: the text itself is REQUEST_BODY.
func (r *Result) Process(p Processor, contentType, text string, partial bool, l Limits) {
	if text == "" {
		return
	}
	l = l.withDefaults()
	switch p {
	case URLEncoded:
		r.form(text, partial, l)
	case MultipartForm:
		r.multipart(contentType, text, partial, l)
	case JSON:
		r.json(text, partial, l)
	case XML:
		r.xml(text, partial, l)
	case GraphQL:
		r.graphQL(text, partial, l)
	case GRPC:
		r.grpc(contentType, text, partial, l)
	case Protobuf:
		r.protobuf(text, partial, l)
	}
}

// fail keeps the first error.
func (r *Result) fail(at int, format string, args ...any) {
	if r.Error == "" {
		r.Error = fmt.Sprintf(format+" at byte %d", append(args, at)...)
		r.ErrorAt = at
	}
}

// state is what reading says about itself; a reading that was only tried is undone by it.
type state struct {
	text           string
	at             int
	tooMany, depth bool
}

func (r *Result) state() state { return state{r.Error, r.ErrorAt, r.TooMany, r.Depth} }

func (r *Result) restore(s state) {
	r.Error, r.ErrorAt, r.TooMany, r.Depth = s.text, s.at, s.tooMany, s.depth
}

// tooDeep says that nesting reached its bound at byte at.
func (r *Result) tooDeep(at, limit int, what string) {
	r.TooMany, r.Depth = true, true
	r.fail(at, "read %s: nested deeper than %d", what, limit)
}

// add adds an argument unless there are too many, and reports whether it did.
func (r *Result) add(name, value string, l Limits) bool {
	if len(r.Args) >= l.Values {
		r.TooMany = true
		return false
	}
	r.Args = append(r.Args, Field{name, value})
	return true
}
