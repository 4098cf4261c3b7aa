package secrets

// Sizes in bytes.
const (
	randomSize = 32
	masterSize = 48 // the master secret of TLS ≤ 1.2, and of TLS 1.3 the longest hash (SHA-384)
	chunkSize  = 1024
)

// table maps a key of 32 bytes to a secret of at most 48, in about 140 bytes an entry. Entries stand in the order in which they came
// and never move, so what get returns stays good.
type table struct {
	at     map[[randomSize]byte]uint32
	chunks [][]entry
	n      uint32
}

type entry struct {
	key    [randomSize]byte
	secret [masterSize]byte
	size   uint8
}

func (e *entry) value() []byte { return e.secret[:e.size:e.size] }

// get returns the secret of a key, nil when there is none.
func (t *table) get(key *[randomSize]byte) []byte {
	i, ok := t.at[*key]
	if !ok {
		return nil
	}
	return t.entry(i).value()
}

func (t *table) entry(i uint32) *entry { return &t.chunks[i/chunkSize][i%chunkSize] }

// put adds a secret under a key that is not in t.
func (t *table) put(key *[randomSize]byte, secret []byte) {
	if t.at == nil {
		t.at = make(map[[randomSize]byte]uint32)
	}
	if t.n%chunkSize == 0 {
		t.chunks = append(t.chunks, make([]entry, 0, chunkSize))
	}
	last := &t.chunks[len(t.chunks)-1]
	*last = append(*last, entry{key: *key, size: uint8(len(secret))})
	copy(t.entry(t.n).secret[:], secret)
	t.at[*key] = t.n
	t.n++
}
