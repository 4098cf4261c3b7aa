package httptimeline

import (
	"golang.org/x/net/http2/hpack"
)

// The bounds of header compression: a few bytes can stand for many.
const (
	maxForgets = 16      // times that a dynamic table is lost; a real peer ends the connection at the first
	firstRoom  = 1 << 20 // bytes of fields that are shown of a side, and for each byte of its header blocks:
	ratio      = 256
)

// unknownName stands for a field of the dynamic table whose insertion was not seen. No field may be called so.
const unknownName = "?"

// newDecoder makes the decoder of the header blocks that a side sends.
func (s *side2) newDecoder(table uint32) {
	s.table = table
	s.dec = hpack.NewDecoder(table, func(f hpack.HeaderField) {
		s.room -= int64(f.Size())
		if s.size += int(f.Size()); s.size <= maxHead && s.room > 0 {
			s.fields = append(s.fields, field{f.Name, f.Value})
		}
	})
	s.dec.SetMaxStringLength(maxHead)
}

// allow lets the side's encoder use a dynamic table of n bytes (RFC 7541 section 4.2), as the other side said.
func (s *side2) allow(n uint32) {
	if n = min(n, maxTable); n > s.table {
		s.table = n
		s.dec.SetAllowedMaxDynamicTableSize(n)
	}
}

// forget takes note that the dynamic table is not known any more. The new one is full of unknown fields: those that are
// inserted from now on have the same indices as in the sender's table, and those that were there before show as unknown.
func (c *http2) forget(s *side2) {
	s.unknown = true
	if s.forgets++; s.forgets > maxForgets {
		s.lost, c.holes = true, true
		return
	}
	s.newDecoder(s.table)
	s.dec.SetEmitEnabled(false)
	const size = 33 // of an entry of one byte (RFC 7541 section 4.1)
	for range s.table/size + 1 {
		_, _ = s.dec.Write([]byte{0x40, 1, unknownName[0], 0}) // a literal with incremental indexing, always good
	}
	_ = s.dec.Close()
	s.dec.SetEmitEnabled(true)
}

// known returns the fields without those that are not known, and whether there were any.
func (s *side2) known() (fields []field, holes bool) {
	fields = s.fields[:0]
	for _, f := range s.fields {
		if f.name == unknownName {
			holes = true
			continue
		}
		fields = append(fields, f)
	}
	return fields, holes
}
