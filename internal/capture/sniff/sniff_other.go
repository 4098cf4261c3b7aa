//go:build !linux

package sniff

import (
	"fmt"
	"time"

	"golang.org/x/net/bpf"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// Handle is one running capture. There is none on this system.
type Handle struct{}

const instead = "live capture works on Linux alone; here capture with tcpdump -s 0 -w FILE.pcap (macOS, BSD) or pktmon start --capture --pkt-size 0 and " +
	"pktmon etl2pcap (Windows), then run lunette explain FILE"

func unsupported(verb string) error { return fmt.Errorf("%s: %w: %s", verb, ErrUnsupported, instead) }

// Allowed says why packets cannot be captured on this system, and what to do.
func Allowed() error { return unsupported("capture") }

// Interfaces says that there are none to capture on.
func Interfaces() ([]Interface, error) { return nil, unsupported("list interfaces") }

// LinkOf says that there is none to capture on.
func LinkOf(string) (pcap.LinkType, error) { return 0, unsupported("find interface") }

// Open says that this system cannot.
func Open(Config) (*Handle, error) { return nil, unsupported("open capture") }

// Next is never reached, there is no Handle.
func (*Handle) Next(*pcap.Packet) error { return unsupported("read packets") }

// NextBefore is never reached, there is no Handle.
func (*Handle) NextBefore(time.Time, *pcap.Packet) error { return unsupported("read packets") }

// Origin is never reached, there is no Handle.
func (*Handle) Origin() Origin { return Origin{} }

// Link is never reached, there is no Handle.
func (*Handle) Link() pcap.LinkType { return 0 }

// Stats is never reached, there is no Handle.
func (*Handle) Stats() (received, dropped uint64) { return 0, 0 }

// SetFilter is never reached, there is no Handle.
func (*Handle) SetFilter([]bpf.RawInstruction) error { return unsupported("set filter") }

// Close is never reached, there is no Handle.
func (*Handle) Close() error { return nil }
