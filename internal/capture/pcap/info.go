package pcap

// Info is what the file says about itself, as far as it was read. Its strings are as they stand in the file.
type Info struct {
	Format                    string // "pcap", "pcapng"
	Compressed                bool
	Nanoseconds               bool          // the resolution of its times is finer than a microsecond
	Interfaces                []Interface   // of all sections, at most 4096
	Hardware, OS, Application string        // of the latest section; at most 1 KiB each
	Comments                  []string      // of sections and packets, at most 100 of 1 KiB
	Dropped                   int64         // packets that the capturing system says it lost (interface statistics), summed
	End                       int64         // until when nothing else came, nanoseconds since the Unix epoch, see Reader.statistics; 0: not known
	Damage                    []DamageError // places that were passed over, with good packets after them; at most 100
	Skipped                   int64         // bytes that were passed over there
}

// Interface is where packets were captured.
type Interface struct {
	Name, Description, Filter string
	Link                      LinkType
	SnapLen                   int // bytes; 0: no bound
}

// The most of each that is kept, whatever a file holds.
const (
	maxInterfaces = 4096
	maxComments   = 100
	maxDamage     = 100
	maxText       = 1 << 10
)

// text is the string that an option or a name holds, without the zero byte that some programs end it with.
func text(b []byte) string {
	b = b[:min(len(b), maxText)]
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

func (f *Info) comment(b []byte) {
	if len(f.Comments) < maxComments {
		f.Comments = append(f.Comments, text(b))
	}
}
