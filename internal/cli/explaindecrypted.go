package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/lunette-waf/lunette/internal/analysis"
)

// decryptedFile is the pcapng file that --write-decrypted makes: readable by its owner alone.
type decryptedFile struct {
	path string
	file *os.File
	done bool
}

// createDecrypted makes the file before anything is read, so that a long run does not end with a refusal.
func createDecrypted(path string, inputs []string, force bool) (*decryptedFile, error) {
	if path == "-" {
		return nil, usageError{errors.New("--write-decrypted wants a file: what it writes holds secrets")}
	}
	if old, err := os.Stat(path); err == nil {
		for _, name := range inputs {
			if in, err := os.Stat(name); err == nil && os.SameFile(in, old) {
				return nil, usageError{fmt.Errorf("--write-decrypted %s is the capture that is to be read: give another name", printable(path))}
			}
		}
		if force && old.Mode().IsRegular() {
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("replace decrypted capture: %w", err)
			}
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, fmt.Errorf("write decrypted capture: %s is there already: --force replaces it", printable(path))
	case err != nil:
		return nil, fmt.Errorf("write decrypted capture: %w", err)
	}
	return &decryptedFile{path: path, file: f}, nil
}

// write fills the file and says what it holds.
func (d *decryptedFile) write(ctx context.Context, cfg analysis.Config, report *analysis.Report, stderr io.Writer) error {
	cfg.Progress = nil
	if err := analysis.WriteDecrypted(ctx, cfg, report, d.file); err != nil {
		return err
	}
	info, err := d.file.Stat()
	if err == nil {
		err = d.file.Close()
	}
	if err != nil {
		return fmt.Errorf("write decrypted capture: %w", err)
	}
	d.done = true
	flows := 0
	for _, f := range report.Flows {
		if len(f.KeyLog) > 0 {
			flows++
		}
	}
	if flows == 0 {
		_, _ = fmt.Fprintf(stderr, "lunette: %s: %d bytes, without a secret, for nothing was decrypted\n", printable(d.path), info.Size())
		return nil
	}
	_, _ = fmt.Fprintf(stderr, "lunette: %s: %d bytes, with the secrets of %s: whoever has it reads what they say\n", printable(d.path), info.Size(), counted(flows, "flow"))
	return nil
}

// discard removes the file unless it is whole.
func (d *decryptedFile) discard() {
	if !d.done {
		_ = d.file.Close()
		_ = os.Remove(d.path)
	}
}
