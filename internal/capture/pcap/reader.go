package pcap

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net/netip"
)

// Config says where things go. The zero value reads packets only.
type Config struct {
	// Buffer gives the memory that the next packets stand in: at least n bytes (n ≤ 4 MiB). Packets that were returned before stay
	// where they are: who hands out buffers knows when they may be used again. Nil: the Reader keeps one of its
	// own, and Packet.Data is valid until the next call of Next.
	Buffer func(n int) []byte
	// Secrets is called for each Decryption Secrets Block (pcapng, type 10), before any later packet is returned. data is valid
	// during the call; a key log of more than 4 MiB comes in several calls, cut between lines.
	Secrets func(kind SecretsType, data []byte)
	// Name is called for each record of a name resolution block.
	Name func(addr netip.Addr, name string)
}

// Reader reads one capture. It is for one goroutine.
type Reader struct {
	cfg     Config
	in      window
	used    *counter // bytes of a compressed src; nil without
	info    Info
	packets int64 // returned or counted so far
	good    int64 // returned so far
	last    int64 // time of the latest packet
	block   int64 // pcapng: where the present block begins
	failed  error // what Next returned at the end

	order order
	link  LinkType // pcap: of all packets
	pcap  classic
	ng    section
}

// counter counts what is read through it.
type counter struct {
	src io.Reader
	n   int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	c.n += int64(n)
	return n, err
}

// NewReader looks at the start of src, which may be gzipped. What is no capture is a [*FormatError] that says what it seems to be
// and how to convert it (.etl of pktmon and netsh trace, snoop, NetMon, a key log, …). Other errors are those of src.
func NewReader(src io.Reader, cfg Config) (*Reader, error) {
	r := &Reader{cfg: cfg, in: window{src: src, give: cfg.Buffer}}
	r.in.ahead(2)
	if start := r.in.rest(); len(start) >= 2 && start[0] == 0x1f && start[1] == 0x8b {
		if err := r.unzip(src, start); err != nil {
			return nil, err
		}
	}
	if err := r.begin(); err != nil {
		if r.in.err != nil && r.in.err != io.EOF && !r.cutShort(r.in.err) {
			return nil, sourceError(r.in.err)
		}
		return nil, err
	}
	return r, nil
}

// unzip puts the decompressor between src, of which start was read, and the buffer.
func (r *Reader) unzip(src io.Reader, start []byte) error {
	start = bytes.Clone(start) // its buffer is handed out again before all of it is used
	r.used = &counter{src: io.MultiReader(&replay{start, r.in.err}, src)}
	zip, err := gzip.NewReader(bufio.NewReaderSize(r.used, firstBuffer))
	if err != nil {
		if !r.cutShort(err) {
			return sourceError(err)
		}
		return &FormatError{Seems: "gzip data that are cut off or malformed: " + err.Error(), Next: "copy the file again, or check it with gzip -t FILE"}
	}
	r.info.Compressed = true
	r.in = window{src: zip, give: r.cfg.Buffer}
	return nil
}

// replay gives what was read already, then the error that came with it.
type replay struct {
	data []byte
	err  error
}

func (p *replay) Read(b []byte) (int, error) {
	if n := copy(b, p.data); n > 0 || len(b) == 0 {
		p.data = p.data[n:]
		return n, nil
	}
	if p.err != nil {
		return 0, p.err
	}
	return 0, io.EOF
}

// begin reads the head of the file.
func (r *Reader) begin() error {
	r.in.ahead(classicHead) // and no more yet: src may be a capture that goes on
	start := r.in.rest()
	if isSection(start) {
		r.info.Format = "pcapng"
		return nil // the section's head is its first block
	}
	if head, ok := parseClassic(start); ok {
		r.startClassic(head)
		r.in.at += classicHead
		return nil
	}
	r.in.ahead(lookAt)
	return whatElse(r.in.rest()[:min(len(r.in.rest()), lookAt)])
}

// Next reads the next packet into p. It returns io.EOF at the end of the file, a [*DamageError] where the file is cut off or
// malformed (packets before that are good, none follow), else an error of the source. Damage behind which packets certainly
// begin again is passed over, and stands in [Info].
func (r *Reader) Next(p *Packet) error {
	if r.failed != nil {
		return r.failed
	}
	var err error
	if r.pcap.head != 0 {
		err = r.nextRecord(p)
	} else {
		err = r.nextBlock(p)
	}
	r.failed = err
	return err
}

// Offset is how many bytes of src were used, before decompression: for a progress bar.
func (r *Reader) Offset() int64 {
	if r.used != nil {
		return r.used.n
	}
	return r.in.offset()
}

// Info is what the file has said about itself so far.
func (r *Reader) Info() *Info { return &r.info }
