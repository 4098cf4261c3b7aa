package pcap

// LinkType is how a frame begins (the LINKTYPE_ registry of tcpdump.org).
type LinkType uint16

// The link types that package packet reads.
const (
	LinkNull     LinkType = 0
	LinkEthernet LinkType = 1
	LinkRaw12    LinkType = 12 // raw IP on some systems
	LinkRaw14    LinkType = 14
	LinkRaw      LinkType = 101
	LinkLoop     LinkType = 108
	LinkSLL      LinkType = 113
	LinkIPv4     LinkType = 228
	LinkIPv6     LinkType = 229
	LinkSLL2     LinkType = 276
)

// MaxPacket is the most bytes of one packet that are read; a longer one counts as damage. It is libpcap's own bound.
const MaxPacket = 256 << 10

// Packet is one packet of a capture.
type Packet struct {
	Number    int64 // from 1, as Wireshark's frame.number
	At        int64 // nanoseconds since the Unix epoch, UTC; a simple packet block of pcapng has none and bears that of the packet before
	Link      LinkType
	Interface int    // within its pcapng section, from 0
	Length    int    // bytes on the wire, ≥ len(Data)
	Data      []byte // what was captured of it; valid as Config.Buffer says
	Comment   string // the last one that pcapng has for it, at most 1 KiB; "" without
}

// SecretsType is what a Decryption Secrets Block holds.
type SecretsType uint32

// The types of secrets.
const (
	SecretsTLSKeyLog SecretsType = 0x544c534b
	SecretsWireGuard SecretsType = 0x57474b4c
)
