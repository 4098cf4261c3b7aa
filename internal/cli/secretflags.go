package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
)

// Bounds of what is read and asked for a key.
const (
	maxKeyBytes  = 1<<20 + 1 // one more than a key file may have, so that a longer one is refused
	maxQuestions = 3
)

// secretFlags are the flags that name secrets, the same for every command that opens captures.
type secretFlags struct {
	keylogs, keys, psks []string
	passwordFile        string
	inLogs              int // secrets that the key logs held, once they were read
}

func (s *secretFlags) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&s.keylogs, "keylog", nil, "key log `FILE` (SSLKEYLOGFILE); may be repeated")
	flags.StringArrayVar(&s.keys, "key", nil, "`FILE` with the server's RSA private key: PEM, DER, .pfx; may be repeated")
	flags.StringVar(&s.passwordFile, "key-password-file", "", "`FILE` with the password of the keys; without it, asked at the terminal")
	flags.StringArrayVar(&s.psks, "psk", nil, "pre-shared key, in `HEX`; may be repeated")
}

// files are those that the flags name.
func (s *secretFlags) files() []string {
	all := slices.Concat(s.keylogs, s.keys)
	if s.passwordFile != "" {
		all = append(all, s.passwordFile)
	}
	return all
}

// store reads all that the flags name. Faulty lines of key logs go to stderr; they cost nothing but themselves.
func (s *secretFlags) store(ctx context.Context, stderr io.Writer) (*secrets.Store, error) {
	store := secrets.New()
	for _, psk := range s.psks {
		key, err := hex.DecodeString(strings.TrimPrefix(psk, "0x"))
		if err != nil || len(key) == 0 {
			return nil, usageError{errors.New("--psk wants an even number of hex digits")}
		}
		store.AddPSK(key)
	}
	for _, name := range s.keylogs {
		n, err := addKeyLog(ctx, store, name, stderr)
		if err != nil {
			return nil, err
		}
		s.inLogs += n
	}
	for _, name := range s.keys {
		if err := s.addKey(ctx, store, name, stderr); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// addKeyLog reads one key log and returns how many secrets it added.
func addKeyLog(ctx context.Context, store *secrets.Store, name string, stderr io.Writer) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, fileError("read key log", name, err)
	}
	defer func() { _ = f.Close() }()
	report, err := store.AddKeyLog(printable(name), whileWanted{ctx, f})
	for _, fault := range report.Faults {
		_, _ = fmt.Fprintf(stderr, "lunette: %s\n", fault)
	}
	if report.More > 0 {
		_, _ = fmt.Fprintf(stderr, "lunette: %s: %s more\n", printable(name), counted(report.More, "faulty line"))
	}
	if err == nil && report.Secrets+report.Duplicate == 0 {
		_, _ = fmt.Fprintf(stderr, "lunette: %s holds no secrets: the program that writes it has made no TLS handshake, or writes elsewhere\n", printable(name))
	}
	return report.Secrets, err
}

// whileWanted ends a long read with its context.
type whileWanted struct {
	ctx context.Context
	io.Reader
}

func (w whileWanted) Read(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.Reader.Read(p)
}

func (s *secretFlags) addKey(ctx context.Context, store *secrets.Store, name string, stderr io.Writer) error {
	f, err := os.Open(name)
	if err != nil {
		return fileError("read private key", name, err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyBytes))
	if err != nil {
		return fileError("read private key", name, err)
	}
	ask := passwordFrom(ctx, s.passwordFile, "password of "+name, stderr)
	for range maxQuestions {
		err = store.AddPrivateKey(printable(name), data, ask)
		if !errors.Is(err, secrets.ErrWrongPassword) || s.passwordFile != "" {
			return err
		}
		_, _ = fmt.Fprintln(stderr, "lunette: the password is wrong")
	}
	return err
}
