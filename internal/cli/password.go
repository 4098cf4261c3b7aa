package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf16"

	"golang.org/x/term"
)

// maxPassword bounds a password file, in bytes.
const maxPassword = 4096

// passwordFrom returns a function that gives the password of a key: the first line of file when there is one, else what is typed
// at the terminal, unseen, until ctx ends. prompt is what to ask, such as "password of origin.pfx". It asks anew at each call.
// Standard input is left alone: it may be the capture.
func passwordFrom(ctx context.Context, file, prompt string, stderr io.Writer) func() ([]byte, error) {
	if file != "" {
		return func() ([]byte, error) { return passwordInFile(file) }
	}
	return func() ([]byte, error) { return passwordTyped(ctx, prompt, stderr) }
}

func passwordInFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fileError("read password", path, err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, 2*maxPassword+4))
	if err != nil {
		return nil, fileError("read password", path, err)
	}
	line, _, _ := bytes.Cut(inUTF8(text), []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) > maxPassword {
		return nil, fmt.Errorf("read password: the first line of %s has more than %d bytes: give a file with the password alone", path, maxPassword)
	}
	return line, nil
}

// inUTF8 is text without a byte order mark, and turned into UTF-8 where it is UTF-16, which the shells of Windows write.
func inUTF8(text []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		order, text = binary.LittleEndian, text[2:]
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		order, text = binary.BigEndian, text[2:]
	case len(text) > 1 && text[0] != 0 && text[1] == 0:
		order = binary.LittleEndian
	case len(text) > 1 && text[0] == 0 && text[1] != 0:
		order = binary.BigEndian
	default:
		return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	}
	units := make([]uint16, 0, maxPassword+2)
	for ; len(text) > 1; text = text[2:] {
		units = append(units, order.Uint16(text))
	}
	return []byte(string(utf16.Decode(units)))
}

var errNoTerminal = errors.New("ask for the password: there is no terminal: give --key-password-file FILE")

func passwordTyped(ctx context.Context, prompt string, stderr io.Writer) ([]byte, error) {
	tty, err := os.OpenFile(terminalName, os.O_RDWR, 0)
	if err != nil {
		return nil, errNoTerminal
	}
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		_ = tty.Close()
		return nil, errNoTerminal
	}
	_, _ = fmt.Fprintf(stderr, "%s: ", printable(prompt))
	type answer struct {
		password []byte
		err      error
	}
	typed := make(chan answer, 1)
	go func() { // ends with the line; after an interrupt, with the process
		password, err := term.ReadPassword(fd)
		_ = tty.Close()
		typed <- answer{password, err}
	}()
	defer func() { _, _ = fmt.Fprintln(stderr) }()
	select {
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return nil, fmt.Errorf("ask for the password: %w", context.Cause(ctx))
	case a := <-typed:
		if a.err != nil {
			return nil, fmt.Errorf("ask for the password: %w", a.err)
		}
		return a.password, nil
	}
}
