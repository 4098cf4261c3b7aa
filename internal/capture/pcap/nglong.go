package pcap

import "bytes"

// longBlock passes over a block that is too long to be kept, and reads it in pieces when it is a key log.
func (r *Reader) longBlock(kind, stated uint32, total int64) error {
	left := total
	if kind == blockSecrets && r.cfg.Secrets != nil {
		var ok bool
		if left, ok = r.longSecrets(total); !ok {
			return r.truncated(r.block, "a block")
		}
	}
	if !r.in.skip(left-4) || !r.in.ahead(4) {
		return r.truncated(r.block, "a block")
	}
	again := r.order.u32(r.in.rest())
	if again == stated {
		r.in.at += 4
		return nil
	}
	return r.resync(r.lengthsDiffer(stated, again), r.blocksFit)
}

// longSecrets hands out a block of secrets in pieces that end with a line, and returns how much of the block is left then.
func (r *Reader) longSecrets(total int64) (left int64, ok bool) {
	const head = 16 // of the block, up to the data
	if !r.in.ahead(head) {
		return 0, false
	}
	h := r.in.rest()
	kind, data := SecretsType(r.order.u32(h[8:])), int64(r.order.u32(h[12:]))
	r.in.at += head
	left = total - head
	for data = min(data, left-4); data > 0; {
		n := int(min(data, maxBuffer))
		if !r.in.ahead(n) {
			return 0, false
		}
		piece := r.in.rest()[:n]
		if int64(n) < data {
			if line := bytes.LastIndexByte(piece, '\n'); line >= 0 {
				piece = piece[:line+1]
			}
		}
		r.cfg.Secrets(kind, piece)
		r.in.at += len(piece)
		data -= int64(len(piece))
		left -= int64(len(piece))
	}
	return left, true
}
