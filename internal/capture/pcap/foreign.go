package pcap

import "encoding/binary"

// isTrace recognises a Windows event trace: a WMI_BUFFER_HEADER, then the event with the TRACE_LOGFILE_HEADER, which repeats the size
// of the buffers.
func isTrace(b []byte) bool {
	const (
		event   = 72         // SYSTEM_TRACE_HEADER: version, header type, flags; 32 bytes
		logfile = event + 32 // TRACE_LOGFILE_HEADER
	)
	if len(b) < logfile+4 {
		return false
	}
	le := binary.LittleEndian
	size, used := le.Uint32(b), le.Uint32(b[4:])
	headerType, flags := b[event+2], b[event+3]
	return size >= 1<<10 && size <= 16<<20 && used <= size && (headerType == 1 || headerType == 2) && flags == 0xc0 && le.Uint32(b[logfile:]) == size
}

// isERF recognises records of Endace's format, which has no magic: three whose times and lengths make sense, or fewer that end the file.
func isERF(b []byte) bool {
	const head = 16
	var before uint32
	for n := range 3 {
		if len(b) == 0 {
			return n > 0
		}
		if len(b) < head {
			return false
		}
		at, kind, length := binary.LittleEndian.Uint32(b[4:]), b[8]&0x7f, int(binary.BigEndian.Uint16(b[10:]))
		if at < 600e6 || at < before || at-before > 1e6 && n > 0 || kind == 0 || kind > 32 || length < head {
			return false
		}
		if length > len(b) {
			return n > 0
		}
		before, b = at, b[length:]
	}
	return true
}
