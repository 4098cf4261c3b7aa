package live

import "github.com/lunette-waf/lunette/internal/capture/pcap"

// chunkSize is how much memory is taken at once for packets that wait.
const chunkSize = 1 << 20

// chunk holds the bytes of packets that came one after the other.
type chunk struct {
	data []byte
	left int // packets in it that still wait
}

type waiting struct {
	packet  pcap.Packet
	arrived int64
	in      *chunk
}

// queue is packets in the order of their arrival. Its memory is used again and again.
type queue struct {
	items []waiting // from at
	at    int
	bytes int64
	now   *chunk
	spare []*chunk
}

func (q *queue) len() int { return len(q.items) - q.at }

func (q *queue) push(p *pcap.Packet, now int64) {
	const mostSpare = 4
	if q.now == nil || cap(q.now.data)-len(q.now.data) < len(p.Data) {
		if q.now != nil && q.now.left == 0 && len(q.spare) < mostSpare {
			q.spare = append(q.spare, q.now)
		}
		q.now = q.chunk(len(p.Data))
	}
	start := len(q.now.data)
	q.now.data = append(q.now.data, p.Data...)
	q.now.left++
	w := waiting{packet: *p, arrived: now, in: q.now}
	w.packet.Data = q.now.data[start:len(q.now.data):len(q.now.data)]
	q.items = append(q.items, w)
	q.bytes += int64(len(p.Data)) + itemSize
}

const itemSize = 120 // bytes that a packet takes besides its data, about

func (q *queue) chunk(n int) *chunk {
	if k := len(q.spare) - 1; k >= 0 && cap(q.spare[k].data) >= n {
		c := q.spare[k]
		q.spare = q.spare[:k]
		c.data = c.data[:0]
		return c
	}
	return &chunk{data: make([]byte, 0, max(chunkSize, n))}
}

// oldest is when the packet that waits longest came.
func (q *queue) oldest() (at int64, ok bool) {
	if q.len() == 0 {
		return 0, false
	}
	return q.items[q.at].arrived, true
}

func (q *queue) front() *pcap.Packet { return &q.items[q.at].packet }

func (q *queue) pop() {
	const mostSpare = 4
	w := &q.items[q.at]
	q.bytes -= int64(len(w.packet.Data)) + itemSize
	if w.in.left--; w.in.left == 0 && w.in != q.now && len(q.spare) < mostSpare {
		q.spare = append(q.spare, w.in)
	}
	*w = waiting{}
	q.at++
	switch {
	case q.at == len(q.items):
		q.items, q.at = q.items[:0], 0
	case q.at > 4096 && q.at > len(q.items)/2:
		n := copy(q.items, q.items[q.at:])
		clear(q.items[n:])
		q.items, q.at = q.items[:n], 0
	}
}
