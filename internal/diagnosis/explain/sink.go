package explain

import (
	"bufio"
	"io"
)

// sink is where output goes. The first error stays with it and comes out of done; nothing more is written then.
type sink struct{ w *bufio.Writer }

func newSink(w io.Writer) sink { return sink{bufio.NewWriterSize(w, 64<<10)} }

func (s sink) put(text string) { _, _ = s.w.WriteString(text) }
func (s sink) bytes(b []byte)  { _, _ = s.w.Write(b) }
func (s sink) done() error     { return s.w.Flush() }
