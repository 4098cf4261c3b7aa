package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/store"
)

// auditFile is where each export leaves a line, within the folder of the store.
const auditFile = "audit.log"

func incidentsExportCommand(f *incidentsFlags) *cobra.Command {
	var sample sampleFlags
	var out string
	var redact bool
	cmd := &cobra.Command{
		Use: "export ID", Short: "Write the evidence of an incident: facts, packets, HAR, report", Example: "lunette incidents export --config lunette.yaml --redact 01K2",
		Long: "Writes incident.json, flow.pcapng (opens decrypted in Wireshark), flow.har and report.md into a new folder that only you can read.\n" +
			"With --redact nobody can read in them what visitors sent: the packets are without secrets, bodies and addresses are masked.\n" +
			"Each export leaves a line in audit.log beside the incidents.",
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, n, err := f.of(cmd, args[0], false)
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			b, err := sample.read(s.Folder(), &n)
			if err != nil {
				return err
			}
			b.Document.Incident = incident.CountedOf(&n)
			b.Report = []byte(b.Document.Report())
			if redact {
				if b, err = b.Redacted(); err != nil {
					return err
				}
			}
			if out == "" {
				out = "incident-" + filepath.Base(n.ID)
			}
			what := "sample of " + b.Document.Sample.At.Format(time.RFC3339Nano) + " with secrets"
			if redact {
				what = "sample of " + b.Document.Sample.At.Format(time.RFC3339Nano) + ", redacted"
			}
			return export(cmd, s, &n, b, out, what)
		},
	}
	sample.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FOLDER` to write to; default incident-ID")
	cmd.Flags().BoolVar(&redact, "redact", false, "without what lets somebody read what visitors sent")
	return cmd
}

// export notes who takes what, and then writes it.
func export(cmd *cobra.Command, s *store.Store, n *store.Incident, b *incident.Bundle, out, what string) error {
	files, err := b.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := os.Lstat(filepath.Join(out, f.Name)); err == nil {
			return fmt.Errorf("export: %s is there already: give another folder with -o", filepath.Join(out, f.Name))
		}
	}
	path, err := filepath.Abs(out)
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	a := store.Audit{At: time.Now().UTC(), Who: who(), What: "export", Of: n.ID, Note: what + " to " + path}
	if err := audit(cmd, s, a); err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o700); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	for _, f := range files {
		if err := writeNew(filepath.Join(out, f.Name), f.Data); err != nil {
			return fmt.Errorf("export: %w", err)
		}
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s  %d bytes\n", filepath.Join(out, f.Name), len(f.Data))
	}
	told := ""
	for _, m := range b.Document.Missing {
		if m.Why != told {
			told = m.Why
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "lunette: %s: %s\n", printable(m.File), printable(m.Why))
		}
	}
	if !b.Document.Redacted && b.Packets != nil {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "lunette: these files hold secrets of connections: whoever has them reads what visitors sent; --redact leaves that out")
	}
	return nil
}

// audit leaves a line in the file and in the store. Without it nothing is handed out.
func audit(cmd *cobra.Command, s *store.Store, a store.Audit) error {
	line, err := json.Marshal(struct {
		At   time.Time `json:"at"`
		Who  string    `json:"who"`
		What string    `json:"what"`
		Of   string    `json:"of"`
		Note string    `json:"note"`
	}(a))
	if err != nil {
		return fmt.Errorf("write audit line: %w", err)
	}
	if info, err := os.Lstat(filepath.Join(s.Folder(), auditFile)); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("write audit line: %s is no regular file: somebody put it there; remove it", filepath.Join(s.Folder(), auditFile))
	}
	file, err := os.OpenFile(filepath.Join(s.Folder(), auditFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write audit line: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write audit line: %w", err)
	}
	return s.AddAudit(cmd.Context(), a)
}

// writeNew writes a file that only its owner can read, and that was not there.
func writeNew(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Close())
}

// accountName is who runs this, and through sudo who asked for it.
func accountName() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if sudo := os.Getenv("SUDO_USER"); sudo != "" && sudo != name {
		name = strings.TrimSpace(sudo) + " as " + name
	}
	return name
}
