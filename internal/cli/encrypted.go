package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
)

// ageMagic is what files begin with that age has encrypted.
const ageMagic = "age-encryption.org/v1\n"

// decrypting lets inputs that are encrypted be read with the private keys in a file; the others stay as they are. Nothing decrypted is
// written to disk: each reading decrypts anew. Without a file, encrypted inputs say what they want.
func decrypting(all []analysis.Input, identity string) error {
	var keys []age.Identity
	if identity != "" {
		data, err := os.ReadFile(identity)
		if err != nil {
			return fileError("read identity", printable(identity), err)
		}
		if keys, err = incident.ReadIdentities(bytes.NewReader(data)); err != nil {
			return fmt.Errorf("%s: %w", printable(identity), err)
		}
	}
	for i := range all {
		open := all[i].Open
		all[i].Open = func() (io.ReadCloser, error) {
			src, err := open()
			if err != nil {
				return nil, err
			}
			return &decryptedReader{src: src, keys: keys}, nil
		}
	}
	return nil
}

// decryptedReader reads what src holds, decrypted where it is encrypted. It looks at src when it is read first.
type decryptedReader struct {
	src  io.ReadCloser
	keys []age.Identity
	r    io.Reader
}

// Read implements io.Reader.
func (d *decryptedReader) Read(p []byte) (int, error) {
	if d.r == nil {
		if err := d.begin(); err != nil {
			return 0, err
		}
	}
	return d.r.Read(p)
}

func (d *decryptedReader) begin() error {
	head := bufio.NewReaderSize(d.src, 64<<10)
	begins, _ := head.Peek(len(ageMagic)) // an error comes again when it is read
	switch {
	case string(begins) != ageMagic:
		d.r = head
		return nil
	case len(d.keys) == 0:
		return errors.New("it is encrypted: give --identity KEYFILE, the private key (\"lunette incidents key\" made it)")
	}
	r, err := age.Decrypt(head, d.keys...)
	if err != nil {
		return fmt.Errorf("decrypt: %w", err)
	}
	d.r = r
	return nil
}

// Close implements io.Closer.
func (d *decryptedReader) Close() error { return d.src.Close() }

// Interrupt ends a Read that waits.
func (d *decryptedReader) Interrupt() {
	if s, ok := d.src.(interface{ Interrupt() }); ok {
		s.Interrupt()
		return
	}
	_ = d.src.Close()
}
