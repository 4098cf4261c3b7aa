package secrets

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
)

// maxLine is the longest line of a key log that is read, in bytes: CLIENT_RANDOM with a secret takes 175.
const maxLine = 8 << 10

// maxSkip is how many bytes of a longer line are passed over: sources such as /dev/zero have no other end.
const maxSkip = 64 << 20

var errNoEnd = fmt.Errorf("a line of more than %d MiB: this is no key log", maxSkip>>20)

// lines reads a text line by line, in UTF-8 or UTF-16 with or without a byte order mark. Only ASCII matters in a key log:
// of UTF-16, what is beyond it becomes '?'.
type lines struct {
	src *bufio.Reader
}

// newLines looks at the start of r; head is what it begins with, as bytes of its text.
func newLines(r io.Reader) (l lines, head []byte, err error) {
	raw := bufio.NewReaderSize(r, maxLine)
	start, err := raw.Peek(4)
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		_, _ = raw.Discard(3)
	case bytes.HasPrefix(start, []byte("\xff\xfe")):
		_, _ = raw.Discard(2)
		raw = bufio.NewReaderSize(&wide{src: raw, low: 0}, maxLine)
	case bytes.HasPrefix(start, []byte("\xfe\xff")):
		_, _ = raw.Discard(2)
		raw = bufio.NewReaderSize(&wide{src: raw, low: 1}, maxLine)
	case len(start) == 4 && start[0] != 0 && start[1] == 0 && start[2] != 0 && start[3] == 0:
		raw = bufio.NewReaderSize(&wide{src: raw, low: 0}, maxLine)
	case len(start) == 4 && start[0] == 0 && start[1] != 0 && start[2] == 0 && start[3] != 0:
		raw = bufio.NewReaderSize(&wide{src: raw, low: 1}, maxLine)
	}
	if err == nil || err == io.EOF {
		head, err = raw.Peek(maxLine)
	}
	if err == io.EOF {
		err = nil
	}
	return lines{raw}, head, err
}

// next returns a line without its ending, good until the next call. long says that it had more than maxLine bytes: text
// is how it begins. The error is io.EOF after the last one.
func (l lines) next() (text []byte, long bool, err error) {
	text, err = l.src.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return l.skip(bytes.Clone(text[:64]))
	}
	if err == io.EOF && len(text) > 0 {
		err = nil
	}
	return text, false, err
}

// skip reads on to the end of a line that is too long.
func (l lines) skip(start []byte) (text []byte, long bool, err error) {
	err = bufio.ErrBufferFull
	for n := 0; err == bufio.ErrBufferFull; n++ {
		if n > maxSkip/maxLine {
			return nil, true, errNoEnd
		}
		_, err = l.src.ReadSlice('\n')
	}
	if err == io.EOF {
		err = nil
	}
	return start, true, err
}

// wide turns UTF-16 into ASCII. low is the place of the low byte in each pair.
type wide struct {
	src *bufio.Reader
	low int
}

// Read implements io.Reader.
func (u *wide) Read(p []byte) (n int, err error) {
	for n < len(p) && (n == 0 || u.src.Buffered() > 1) {
		var pair [2]byte
		if _, err = io.ReadFull(u.src, pair[:]); err != nil {
			if err == io.ErrUnexpectedEOF { // half a character: the file is still being written
				err = io.EOF
			}
			return n, err
		}
		p[n] = '?'
		if pair[1-u.low] == 0 && pair[u.low] < 0x80 {
			p[n] = pair[u.low]
		}
		n++
	}
	return n, nil
}

// plainText is data without a byte order mark, and as ASCII when it is UTF-16: Windows shells and editors write such files.
func plainText(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) < 4 || data[0] < 0xfe && data[0] != 0 && data[1] != 0 {
		return data
	}
	text, _, err := newLines(bytes.NewReader(data))
	if err != nil {
		return data
	}
	plain, err := io.ReadAll(text.src)
	if err != nil {
		return data
	}
	return plain
}
