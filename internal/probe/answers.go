package probe

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
)

const (
	maxHead  = 1 << 20   // of one answer, with the 1xx before it
	maxBody  = 8 << 20   // read of one answer
	manyRead = 64 << 20  // of all bodies; from there on
	someBody = 256 << 10 // is enough of one
)

// errHeadTooLarge ends an answer whose head has no end in sight.
var errHeadTooLarge = errors.New("the head of the answer is too long")

// answers reads answers from a connection. A head is bounded here: net/http has no bound of its own for it.
type answers struct {
	*bufio.Reader
	in *bounded
}

type bounded struct {
	io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errHeadTooLarge
	}
	n, err := b.Reader.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func newAnswers(r io.Reader) *answers {
	b := &bounded{r, math.MaxInt64}
	return &answers{bufio.NewReaderSize(b, 16<<10), b}
}

// heads begins heads, bodies what follows them.
func (a *answers) heads() { a.in.left = maxHead }

func (a *answers) bodies() { a.in.left = math.MaxInt64 }

// discard reads the body of a, as much of it as is wanted.
func (c *climb) discard(a *Answer, body io.Reader) error {
	most := int64(maxBody)
	c.mu.Lock()
	if c.read > manyRead {
		most = someBody
	}
	c.mu.Unlock()
	var err error
	a.Bytes, err = io.Copy(io.Discard, io.LimitReader(body, most))
	a.part = a.Bytes == most
	c.mu.Lock()
	c.read += a.Bytes
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	return nil
}

// fields are those of the caller and those of r. Another host than the target's gets only the latter: it may be somebody else's.
func (r *request) fields(callers [][2]string) [][2]string {
	if r.host != "" {
		return r.header
	}
	return append(append([][2]string(nil), callers...), r.header...)
}
