package pcap

import (
	"encoding/binary"
	"fmt"
)

// Statistics says how many packets of interface i came and how many the capturing system dropped, up to at (nanoseconds since the Unix
// epoch). It belongs at the end of a capture; how many packets were written is added, so that a reader knows whether all are there.
func (w *Writer) Statistics(i int, at int64, received, dropped uint64) error {
	if i < 0 || i >= w.interfaces || at < 0 {
		return fmt.Errorf("write statistics: interface %d was not described, there are %d, or its time is before 1970", i, w.interfaces)
	}
	w.begin(blockStatistics)
	w.u32(uint32(i))
	w.u32(uint32(uint64(at) >> 32))
	w.u32(uint32(at))
	w.option(statisticsReceived, string(binary.LittleEndian.AppendUint64(nil, received)))
	w.option(statisticsOSDropped, string(binary.LittleEndian.AppendUint64(nil, dropped)))
	w.option(statisticsDelivered, string(binary.LittleEndian.AppendUint64(nil, w.packets)))
	w.endOptions()
	return w.end()
}
