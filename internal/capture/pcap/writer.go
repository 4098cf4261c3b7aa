package pcap

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// maxSecrets is the most of a key log that one block gets: Wireshark reads blocks up to 16 MiB.
const maxSecrets = 8 << 20

// Writer writes pcapng: one section, little-endian, times in nanoseconds. Each call makes one call of dst, so a dst that is expensive
// wants a [bufio.Writer]. The first error of dst is returned by all calls that follow.
type Writer struct {
	dst        io.Writer
	block      []byte
	interfaces int
	packets    uint64
	err        error
}

// NewWriter begins a section. Secrets must be written before the packets that they open. app is the name of the program that
// captured or wrote it.
func NewWriter(dst io.Writer, app string) (*Writer, error) {
	w := &Writer{dst: dst}
	w.begin(blockSection)
	w.u32(byteOrderMagic)
	w.u16(1)
	w.u16(0)
	w.block = binary.LittleEndian.AppendUint64(w.block, math.MaxUint64) // how long the section gets is not known
	w.option(sectionApplication, app)
	w.endOptions()
	if err := w.end(); err != nil {
		return nil, err
	}
	return w, nil
}

// Interface describes the next interface and returns its number. Texts are cut after 1 KiB.
func (w *Writer) Interface(i Interface) (int, error) {
	const nanoseconds = "\x09"
	w.begin(blockInterface)
	w.u16(uint16(i.Link))
	w.u16(0)
	w.u32(uint32(min(max(i.SnapLen, 0), math.MaxInt32)))
	w.option(interfaceName, i.Name)
	w.option(interfaceDescription, i.Description)
	w.option(interfaceResolution, nanoseconds)
	if i.Filter != "" {
		w.option(interfaceFilter, "\x00"+i.Filter)
	}
	w.endOptions()
	w.interfaces++
	return w.interfaces - 1, w.end()
}

// Secrets appends decryption secrets: one block, or for a key log of more than 8 MiB several, cut between lines.
func (w *Writer) Secrets(kind SecretsType, data []byte) error {
	for len(data) > maxSecrets {
		cut := bytes.LastIndexByte(data[:maxSecrets], '\n') + 1
		if kind != SecretsTLSKeyLog || cut == 0 {
			return fmt.Errorf("write secrets: %d bytes are more than a block takes, %d", len(data), maxSecrets)
		}
		if err := w.secrets(kind, data[:cut]); err != nil {
			return err
		}
		data = data[cut:]
	}
	return w.secrets(kind, data)
}

func (w *Writer) secrets(kind SecretsType, data []byte) error {
	w.begin(blockSecrets)
	w.u32(uint32(kind))
	w.u32(uint32(len(data)))
	w.padded(data)
	return w.end()
}

// Packet appends a packet of the interface with the number Packet.Interface. Packet.Number and Packet.Link are not written.
func (w *Writer) Packet(p *Packet) error {
	switch {
	case p.Interface < 0 || p.Interface >= w.interfaces:
		return fmt.Errorf("write packet: interface %d was not described, there are %d", p.Interface, w.interfaces)
	case len(p.Data) > MaxPacket || uint64(p.Length) > math.MaxUint32:
		return fmt.Errorf("write packet: %d of %d bytes are more than a packet may have, %d", len(p.Data), p.Length, MaxPacket)
	case p.At < 0:
		return fmt.Errorf("write packet: its time, %d ns, is before 1970", p.At)
	}
	w.packets++
	w.begin(blockPacket)
	w.u32(uint32(p.Interface))
	w.u32(uint32(uint64(p.At) >> 32))
	w.u32(uint32(p.At))
	w.u32(uint32(len(p.Data)))
	w.u32(uint32(max(p.Length, len(p.Data))))
	w.padded(p.Data)
	if p.Comment != "" {
		w.option(optComment, p.Comment)
		w.endOptions()
	}
	return w.end()
}

func (w *Writer) u16(v uint16) { w.block = binary.LittleEndian.AppendUint16(w.block, v) }
func (w *Writer) u32(v uint32) { w.block = binary.LittleEndian.AppendUint32(w.block, v) }

// begin begins a block.
func (w *Writer) begin(kind uint32) {
	w.block = w.block[:0]
	w.u32(kind)
	w.u32(0) // the length, see end
}

// padded appends data and zeros up to a multiple of 4 bytes.
func (w *Writer) padded(data []byte) {
	w.block = append(w.block, data...)
	w.block = append(w.block, make([]byte, -len(data)&3)...)
}

// option appends an option, unless it is empty.
func (w *Writer) option(code uint16, value string) {
	if value == "" {
		return
	}
	value = value[:min(len(value), maxText)]
	w.u16(code)
	w.u16(uint16(len(value)))
	w.padded([]byte(value))
}

func (w *Writer) endOptions() { w.u32(optEnd) }

// end writes the block out.
func (w *Writer) end() error {
	if w.err != nil {
		return w.err
	}
	total := uint32(len(w.block) + 4)
	w.u32(total)
	binary.LittleEndian.PutUint32(w.block[4:], total)
	if _, err := w.dst.Write(w.block); err != nil {
		w.err = fmt.Errorf("write capture: %w", err)
	}
	return w.err
}
