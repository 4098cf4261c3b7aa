package incident

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"filippo.io/age"
)

// ParseRecipient reads a public key, age1….
func ParseRecipient(text string) (age.Recipient, error) {
	all, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(all) != 1 {
		return nil, fmt.Errorf("read recipient %q: a public key begins with age1; \"lunette incidents key\" makes one", text)
	}
	return all[0], nil
}

// ReadIdentities reads a file of private keys, as "lunette incidents key" and age-keygen write them.
func ReadIdentities(r io.Reader) ([]age.Identity, error) {
	const most = 1 << 20
	all, err := age.ParseIdentities(io.LimitReader(r, most))
	if err != nil { // whose text may quote the key
		return nil, fmt.Errorf("read identity: the file is none of private keys (AGE-SECRET-KEY-1…), one on each line")
	}
	return all, nil
}

// WriteKey makes a pair of keys, writes the private one to w as a file of age, and returns the public one.
func WriteKey(w io.Writer, now time.Time) (recipient string, err error) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return "", fmt.Errorf("make key: %w", err)
	}
	recipient = id.Recipient().String()
	if _, err := fmt.Fprintf(w, "# created: %s\n# public key: %s\n%s\n", now.Format(time.RFC3339), recipient, id); err != nil {
		return "", fmt.Errorf("write key: %w", err)
	}
	return recipient, nil
}

// isEncrypted reports whether what r begins with is a file of age.
func isEncrypted(r *bufio.Reader) bool {
	head, _ := r.Peek(len(ageIntro))
	return bytes.Equal(head, []byte(ageIntro))
}

const ageIntro = "age-encryption.org/v1"
