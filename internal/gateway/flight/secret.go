package flight

import "bytes"

// WantsSecrets reports whether secrets of the connection are of use to anybody: then they are to be handed to Secret.
func (t *tape) WantsSecrets() bool {
	t.mu.Lock()
	kept := t.secrets
	t.mu.Unlock()
	return kept || t.r.watched(&t.set)
}

// Secret implements exchange.Tape.
func (t *tape) Secret(lines []byte) {
	if len(lines) == 0 || len(lines) > blockSize {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over || t.wiped {
		return
	}
	if t.secrets {
		t.keep(lines)
	}
	t.r.tell(t, func() ArmedEvent { return ArmedEvent{Secret: bytes.Clone(lines)} })
}

// keep adds lines to the secrets; t.mu is held. When they are too many, as after a hundred renegotiations, the first and the newest stay.
func (t *tape) keep(lines []byte) {
	if n := len(t.keys); n == 0 || t.keyLen+len(lines) > blockSize {
		if n == mostKeys {
			clear(t.keys[n-1][:])
		} else if p := t.page(); p != nil {
			t.endKeys()
			t.keys = append(t.keys, p)
		} else {
			return
		}
		t.keyLen = 0
	}
	last := t.keys[len(t.keys)-1]
	t.keyLen += copy(last[t.keyLen:], lines)
}

// endKeys says where the lines of the last page end: a zero stands behind them, where there is room.
func (t *tape) endKeys() {
	if n := len(t.keys); n > 0 && t.keyLen < blockSize {
		t.keys[n-1][t.keyLen] = 0
	}
}

// keyLog is a copy of the secrets; t.mu is held.
func (t *tape) keyLog() []byte {
	var out []byte
	for i, p := range t.keys {
		n := t.keyLen
		if i < len(t.keys)-1 {
			if n = bytes.IndexByte(p[:], 0); n < 0 {
				n = blockSize
			}
		}
		out = append(out, p[:n]...)
	}
	return out
}
