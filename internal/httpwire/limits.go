package httpwire

// Limits bounds what a peer may send. A zero (or negative) field means its default.
type Limits struct {
	Line          int // bytes of a request line, status line or field line without its CRLF; default 16384
	Head          int // bytes of a whole head with its last CRLF; default 65536
	Fields        int // field lines in a head; default 128
	Trailer       int // bytes of a trailer section with its last CRLF; default 8192
	TrailerFields int // field lines in a trailer section; default 32
}

// The defaults of Limits. RFC 9112 section 3 asks for request lines of at least 8000 bytes.
const (
	DefaultLine          = 16 << 10
	DefaultHead          = 64 << 10
	DefaultFields        = 128
	DefaultTrailer       = 8 << 10
	DefaultTrailerFields = 32
)

func (l Limits) orDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Line, DefaultLine)
	def(&l.Head, DefaultHead)
	def(&l.Fields, DefaultFields)
	def(&l.Trailer, DefaultTrailer)
	def(&l.TrailerFields, DefaultTrailerFields)
	return l
}

// section is the bounds of one section of lines: a head or a trailer section.
type section struct{ line, size, fields int }

func (l Limits) head() section    { return section{l.Line, l.Head, l.Fields} }
func (l Limits) trailer() section { return section{l.Line, l.Trailer, l.TrailerFields} }
