package analysis

import (
	"bufio"
	"bytes"
	"container/heap"
	"fmt"
	"io"

	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/synth"
	"github.com/lunette-waf/lunette/internal/recording"
)

// WriteRecordings writes recordings to w as a pcapng that other programs open decrypted: their secrets come first (a Decryption Secrets
// Block), then the packets of all of them in order of time. The packets are made up around the bytes, and the file says so.
func WriteRecordings(w io.Writer, recs []*recording.Recording) error {
	buffered := bufio.NewWriterSize(w, bufferSize)
	out, err := pcap.NewWriter(buffered, "Lunette")
	if err != nil {
		return fmt.Errorf("write recordings: %w", err)
	}
	var log bytes.Buffer
	for _, r := range recs {
		log.Write(r.KeyLog)
	}
	if log.Len() > 0 {
		if err := out.Secrets(pcap.SecretsTLSKeyLog, log.Bytes()); err != nil {
			return fmt.Errorf("write recordings: %w", err)
		}
	}
	made := pcap.Interface{Name: "lunette", Link: pcap.LinkEthernet,
		Description: "recorded by Lunette at its end of the connections: bytes and times are real, headers of packets are made up"}
	if _, err := out.Interface(made); err != nil {
		return fmt.Errorf("write recordings: %w", err)
	}
	if err := writePackets(out, recs); err != nil {
		return fmt.Errorf("write recordings: %w", err)
	}
	return buffered.Flush()
}

func writePackets(out *pcap.Writer, recs []*recording.Recording) error {
	var all upcoming
	for _, r := range recs {
		s := &source{conn: synth.New(r), n: len(all)}
		if s.conn.Next(&s.packet) {
			s.packet.Comment = mark(r)
			all = append(all, s)
		}
	}
	heap.Init(&all)
	for len(all) > 0 {
		s := all[0]
		if err := out.Packet(&s.packet); err != nil {
			return err
		}
		if s.conn.Next(&s.packet) {
			heap.Fix(&all, 0)
		} else {
			heap.Pop(&all)
		}
	}
	return nil
}

// source is a recording with its next packet.
type source struct {
	conn   *synth.Conn
	packet pcap.Packet
	n      int
}

// upcoming is a heap of sources, the earliest packet first.
type upcoming []*source

func (u upcoming) Len() int { return len(u) }
func (u upcoming) Less(i, j int) bool {
	a, b := u[i], u[j]
	return a.packet.At < b.packet.At || a.packet.At == b.packet.At && a.n < b.n
}
func (u upcoming) Swap(i, j int) { u[i], u[j] = u[j], u[i] }
func (u *upcoming) Push(x any)   { *u = append(*u, x.(*source)) }
func (u *upcoming) Pop() any {
	last := len(*u) - 1
	x := (*u)[last]
	*u = (*u)[:last]
	return x
}
