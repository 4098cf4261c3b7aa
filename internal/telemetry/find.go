package telemetry

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// ErrNotFound says that the access log has no record with the id.
var ErrNotFound = errors.New("no record with this id")

const (
	maxLine = 1 << 20 // bytes of a line that FindInLog looks at; ours are far shorter
	maxID   = 64
)

// FindInLog returns the record of the request with this id from an access log file, the newest if there are several. The
// error wraps ErrNotFound when the file has none; rotated files are files of their own.
func FindInLog(path, id string) (*Record, error) {
	if !ValidID(id) {
		return nil, fmt.Errorf("find request %.70q: not an id", id)
	}
	b, err := findLine(path, id)
	if err != nil {
		return nil, err
	}
	var r Record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("find request %s: parse its line: %w", id, err)
	}
	return &r, nil
}

// ValidID bounds what is searched for: letters and digits only, at most 64, so that it stands in a line or a URL as it is.
func ValidID(id string) bool {
	if len(id) == 0 || len(id) > maxID {
		return false
	}
	for _, c := range []byte(id) {
		if c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// findLine returns the last line that begins as ours do and carries id, without its newline.
func findLine(path, id string) ([]byte, error) {
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() { // a pipe or a device may never end
		return nil, fmt.Errorf("find request %s: %s is no regular file", id, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("find request %s: %w", id, err)
	}
	defer f.Close()
	needle := []byte(`,"id":"` + id + `",`)
	r := bufio.NewReaderSize(f, maxLine)
	var found []byte
	for {
		b, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) { // not a line of ours
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = r.ReadSlice('\n')
			}
		} else if err == nil && bytes.Contains(b[:min(len(b), 128)], needle) { // time and id come first
			found = append(found[:0], b[:len(b)-1]...)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("find request %s: %w", id, err)
		}
	}
	if found == nil {
		return nil, fmt.Errorf("find request %s in %s: %w", id, path, ErrNotFound)
	}
	return found, nil
}
