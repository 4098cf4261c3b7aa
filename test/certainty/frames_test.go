package certainty

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/test/recorded"
)

// frame is a packet of a recorded capture.
type frame = recorded.Frame

// written is a capture of frames.
func written(t testing.TB, frames []frame) analysis.Input {
	t.Helper()
	b := recorded.Written(t, frames, nil)
	return analysis.Input{Name: "edited", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

// bystander is a SYN of a connection that has nothing to do with any other: it shows that the capture went on until then.
func bystander(at int64) frame {
	b := make([]byte, recorded.Ethernet+40)
	b[12], b[recorded.Ethernet], b[recorded.Ethernet+3], b[recorded.Ethernet+8], b[recorded.Ethernet+9] = 8, 0x45, 40, 64, 6
	copy(b[recorded.Ethernet+12:], []byte{203, 0, 113, 1, 203, 0, 113, 2})
	tcp := b[recorded.Ethernet+20:]
	binary.BigEndian.PutUint16(tcp, 1)
	binary.BigEndian.PutUint16(tcp[2:], 2)
	tcp[12], tcp[13] = 0x50, recorded.SYN
	return frame{At: at, Length: len(b), Data: b}
}
