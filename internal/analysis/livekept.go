package analysis

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
)

// kept is packets of one connection in bounded memory: its beginning and its end. What was added is never changed, so a copy of the
// struct may be read while more is added to the original.
type kept struct {
	most       int
	head, tail []chunk
	headFull   bool
	size       int   // bytes of all chunks
	headSize   int   // of those of the beginning
	carried    int64 // bytes of TCP payload that were added so far, kept or not
	headEnd    int64 // carried, as the beginning ended
	lost       int64 // packets that are not kept
}

// chunk is packets one behind the other, each behind its header.
type chunk struct {
	data    []byte
	packets int
	before  int64 // kept.carried as it began
}

// Sizes in bytes: of a header, and of chunks, which grow with the connection.
const (
	keptHeader = 8 + 8 + 4 + 4 + 2
	firstChunk = 512
	largeChunk = 64 << 10
	mostHead   = 64 << 10
)

func newKept(most int) kept { return kept{most: most} }

// add keeps p, which carries so many bytes of TCP.
func (k *kept) add(p *pcap.Packet, carries int) {
	need := keptHeader + len(p.Data)
	list := &k.head
	if k.headFull || k.headSize+need > min(k.most/4, mostHead) && len(k.head) > 0 {
		if !k.headFull {
			k.headFull, k.headEnd = true, k.carried
		}
		list = &k.tail
	}
	last := len(*list) - 1
	if last < 0 || cap((*list)[last].data)-len((*list)[last].data) < need {
		k.grow(list, need)
		last = len(*list) - 1
	}
	c := &(*list)[last]
	c.data = binary.LittleEndian.AppendUint64(c.data, uint64(p.At))
	c.data = binary.LittleEndian.AppendUint64(c.data, uint64(p.Number))
	c.data = binary.LittleEndian.AppendUint32(c.data, uint32(p.Length))
	c.data = binary.LittleEndian.AppendUint32(c.data, uint32(len(p.Data)))
	c.data = binary.LittleEndian.AppendUint16(c.data, uint16(p.Link))
	c.data = append(c.data, p.Data...)
	c.packets++
	k.carried += int64(carries)
	if !k.headFull {
		k.headSize += need
	}
}

// grow begins a chunk of a list that holds need bytes, and lets the oldest of the end go where there is no room.
func (k *kept) grow(list *[]chunk, need int) {
	size := firstChunk
	if n := len(*list); n > 0 {
		size = min(2*cap((*list)[n-1].data), largeChunk, max(k.most/8, firstChunk))
	} else if k.headFull {
		size = min(largeChunk, k.most/8)
	}
	size = max(size, need)
	if list == &k.tail {
		for len(k.tail) > 0 && k.size+size > k.most {
			k.size -= cap(k.tail[0].data)
			k.lost += int64(k.tail[0].packets)
			k.tail[0] = chunk{}
			k.tail = k.tail[1:]
		}
	}
	*list = append(*list, chunk{data: make([]byte, 0, size), before: k.carried})
	k.size += size
}

// snapshot is a copy that stays as it is.
func (k *kept) snapshot() *kept {
	s := *k
	s.head, s.tail = slices.Clone(k.head), slices.Clone(k.tail)
	return &s
}

// whole reports whether nothing is lacking.
func (k *kept) whole() bool { return k.lost == 0 }

// farHole is how many bytes of TCP may lack between beginning and end, so that sequence numbers still tell one from the other.
const farHole = 1 << 29

// far reports whether beginning and end have nothing to do with each other any more.
func (k *kept) far() bool {
	return k.lost > 0 && len(k.tail) > 0 && k.tail[0].before-k.headEnd > farHole
}

// hole are the times between which packets lack, 0 without.
func (k *kept) hole() (from, to int64) {
	if k.lost == 0 || len(k.tail) == 0 || len(k.head) == 0 {
		return 0, 0
	}
	var p pcap.Packet
	for c := k.head[len(k.head)-1].data; len(c) > 0; c = next(c, &p) {
	}
	from = p.At
	next(k.tail[0].data, &p)
	return from, p.At
}

// next reads a packet and returns what is behind it.
func next(c []byte, p *pcap.Packet) []byte {
	*p = pcap.Packet{At: int64(binary.LittleEndian.Uint64(c)), Number: int64(binary.LittleEndian.Uint64(c[8:])), Length: int(binary.LittleEndian.Uint32(c[16:])),
		Link: pcap.LinkType(binary.LittleEndian.Uint16(c[24:]))}
	n := int(binary.LittleEndian.Uint32(c[20:]))
	p.Data = c[keptHeader : keptHeader+n : keptHeader+n]
	return c[keptHeader+n:]
}

// each calls yield with each packet until it returns false; p is valid until then. Of a connection whose ends are far apart only the last
// is read.
func (k *kept) each(yield func(p *pcap.Packet) bool) {
	var p pcap.Packet
	lists := [][]chunk{k.head, k.tail}
	if k.far() {
		lists = lists[1:]
	}
	for _, list := range lists {
		for i := range list {
			for c := list[i].data; len(c) > 0; {
				if c = next(c, &p); !yield(&p) {
					return
				}
			}
		}
	}
}

// write writes all of it as pcapng, the secrets first.
func (k *kept) write(dst io.Writer, keyLog []string) error {
	buffered := bufio.NewWriterSize(dst, largeChunk)
	out, err := pcap.NewWriter(buffered, "Lunette")
	if err != nil {
		return fmt.Errorf("write packets: %w", err)
	}
	if len(keyLog) > 0 {
		if err := out.Secrets(pcap.SecretsTLSKeyLog, []byte(strings.Join(keyLog, "\n")+"\n")); err != nil {
			return fmt.Errorf("write packets: %w", err)
		}
	}
	c := copier{out: out, links: map[pcap.LinkType]int{}}
	k.each(func(p *pcap.Packet) bool {
		err = c.write(p)
		return err == nil
	})
	if err != nil {
		return fmt.Errorf("write packets: %w", err)
	}
	return buffered.Flush()
}
