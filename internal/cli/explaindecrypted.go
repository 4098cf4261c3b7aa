package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lunette-waf/lunette/internal/analysis"
)

// decryptedFile is the pcapng file that --write-decrypted makes: readable by its owner alone, and there only once it is whole.
type decryptedFile struct {
	path  string
	force bool
	file  *os.File // beside path, until it is whole
}

// createDecrypted looks whether the file may be written, and begins it, before anything is read: a long run should not end with a refusal.
func createDecrypted(path string, inputs []string, force bool) (*decryptedFile, error) {
	if path == "-" {
		return nil, usageError{errors.New("--write-decrypted wants a file: what it writes holds secrets")}
	}
	d := &decryptedFile{path: path, force: force}
	if err := d.mayReplace(inputs); err != nil {
		return nil, err
	}
	var err error
	if d.file, err = os.CreateTemp(filepath.Dir(path), ".lunette-*.pcapng"); err != nil { // 0600
		return nil, fmt.Errorf("write decrypted capture: %w", err)
	}
	return d, nil
}

// mayReplace refuses a file that is there, unless --force was given and it is another one than those that are read.
func (d *decryptedFile) mayReplace(inputs []string) error {
	old, err := os.Lstat(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write decrypted capture: %w", err)
	}
	for _, name := range inputs {
		if in, err := os.Stat(name); err == nil && os.SameFile(in, old) {
			return usageError{fmt.Errorf("--write-decrypted %s is a file that is to be read: give another name", printable(d.path))}
		}
	}
	if !d.force {
		return fmt.Errorf("write decrypted capture: %s is there already: --force replaces it", printable(d.path))
	}
	if !old.Mode().IsRegular() {
		return fmt.Errorf("write decrypted capture: %s is no regular file: give another name", printable(d.path))
	}
	return nil
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
	if err == nil {
		err = d.mayReplace(nil)
	}
	if err == nil {
		err = os.Rename(d.file.Name(), d.path)
	}
	if err != nil {
		return fmt.Errorf("write decrypted capture: %w", err)
	}
	d.file = nil
	flows := 0
	for _, f := range report.Flows {
		if len(f.KeyLog) > 0 {
			flows++
		}
	}
	holds := "without a secret, for nothing was decrypted"
	if flows > 0 {
		holds = "with the secrets of " + counted(flows, "flow") + ": whoever has it reads what they say"
	}
	_, _ = fmt.Fprintf(stderr, "lunette: %s: %d bytes, %s\n", printable(d.path), info.Size(), holds)
	return nil
}

// discard removes what was begun, unless it is whole.
func (d *decryptedFile) discard() {
	if d.file != nil {
		_ = d.file.Close()
		_ = os.Remove(d.file.Name())
	}
}
