package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/analysis"
	"github.com/lunette-waf/lunette/internal/capture/flow"
	"github.com/lunette-waf/lunette/internal/diagnosis/explain"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/store"
)

// sampleFlags say which sample is read, and with which key.
type sampleFlags struct{ which, identity string }

func (s *sampleFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.which, "sample", "newest", "oldest or newest")
	cmd.Flags().StringVar(&s.identity, "identity", "", "`FILE` with the private key that samples are encrypted to")
}

// read opens the sample of n that is wanted.
func (s *sampleFlags) read(folder string, n *store.Incident) (*incident.Bundle, error) {
	if s.which != "oldest" && s.which != "newest" {
		return nil, usageError{fmt.Errorf("--sample is oldest or newest, not %q", s.which)}
	}
	if len(n.Samples) == 0 {
		return nil, fmt.Errorf("read sample: incident %s has none: none was taken, or max_size let no room", n.ID)
	}
	x := n.Samples[len(n.Samples)-1]
	if s.which == "oldest" {
		x = n.Samples[0]
	}
	path, ok := incident.SamplePath(folder, x.File)
	if !ok {
		return nil, fmt.Errorf("read sample: %q is no name of a sample: the store was altered", x.File)
	}
	var keys bytes.Reader
	if s.identity != "" {
		data, err := os.ReadFile(s.identity)
		if err != nil {
			return nil, fileError("read identity", s.identity, err)
		}
		keys = *bytes.NewReader(data)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fileError("read sample", path, err)
	}
	defer func() { _ = file.Close() }()
	if s.identity == "" {
		return incident.OpenBundle(file, nil)
	}
	identities, err := incident.ReadIdentities(&keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.identity, err)
	}
	return incident.OpenBundle(file, identities)
}

func incidentsShowCommand(f *incidentsFlags) *cobra.Command {
	var sample sampleFlags
	var origin originLogFlags
	cmd := &cobra.Command{
		Use: "show ID", Short: "Tell all about one incident", Example: "lunette incidents show --config lunette.yaml 01K2",
		Long: "ID is that of the incident or its beginning, or the id of a failed request from an error page or the access log. What proves the\n" +
			"cause stands in the samples: encrypted ones want --identity. --origin-log joins the origin's own log with the connection of the sample.",
		Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, n, err := f.of(cmd, args[0], true)
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			bundle, err := sample.read(s.Folder(), &n)
			var usage usageError
			if err != nil && (sample.identity != "" || len(origin.files) > 0 || errors.As(err, &usage)) {
				return err
			}
			if f.asJSON {
				out := struct {
					jsonIncident
					Document *incident.Document `json:"document"` // of the sample; null where it could not be read
				}{incidentJSON(&n), nil}
				if bundle != nil {
					out.Document = bundle.Document
				}
				return writeJSON(cmd.OutOrStdout(), out)
			}
			if err := showIncident(cmd.OutOrStdout(), &n, bundle, err, f.place()); err != nil {
				return err
			}
			if len(origin.files) > 0 {
				return showWithLog(cmd, bundle, &origin)
			}
			return nil
		},
	}
	sample.add(cmd)
	origin.add(cmd.Flags())
	return cmd
}

// of opens the store and reads the incident that the user named. The caller closes the store.
func (f *incidentsFlags) of(cmd *cobra.Command, name string, readOnly bool) (*store.Store, store.Incident, error) {
	s, err := f.open(readOnly)
	if err != nil {
		return nil, store.Incident{}, err
	}
	n, err := find(cmd, s, name)
	if err != nil {
		_ = s.Close()
		return nil, store.Incident{}, err
	}
	return s, n, nil
}

// find reads an incident by what the user typed.
func find(cmd *cobra.Command, s *store.Store, name string) (store.Incident, error) {
	n, err := s.Incident(cmd.Context(), name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return n, fmt.Errorf("no incident, and no failed request that is still known, has an id %q; \"lunette incidents --all\" lists the incidents", name)
	case errors.Is(err, store.ErrAmbiguous):
		return n, fmt.Errorf("several ids begin with %q: type more of it", name)
	}
	return n, err
}

// showIncident writes all about one incident; unread is why b is nil, place how commands say where the incidents are.
func showIncident(w io.Writer, n *store.Incident, b *incident.Bundle, unread error, place string) error {
	var out strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&out, "%-12s%s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	line("incident", "%s", n.ID)
	state := string(n.State)
	if n.State == store.StateResolved {
		state += " " + localStamp(n.ResolvedAt) + " by " + n.ResolvedBy
	}
	if n.Reopened > 0 {
		state += ", came back " + counted(n.Reopened, "time")
	}
	line("state", "%s", state)
	line("site", "%s → %s", n.Site, n.Origin)
	line("seen", "%s to %s, %s", localStamp(n.Opened), localStamp(n.Last), failuresOf(n))
	line("reason", "%s", strings.TrimSpace(n.Reason+" "+n.Detail))
	for i, s := range n.Samples {
		how := "plain"
		if s.Encrypted {
			how = "encrypted"
		}
		line([]string{"samples", ""}[min(i, 1)], "%s, %d bytes, %s, request %s, %s", localStamp(s.At), s.Size, how, orNone(s.Request), s.File)
	}
	out.WriteByte('\n')
	for _, text := range causeLines(n, b) {
		out.WriteString(printable(text) + "\n")
	}
	switch {
	case errors.Is(unread, incident.ErrEncrypted):
		fmt.Fprintf(&out, "\nthe sample is encrypted: \"lunette incidents show %s%s --identity KEYFILE\" shows what proves the cause\n", n.ID, printable(place))
	case unread != nil && len(n.Samples) > 0:
		fmt.Fprintf(&out, "\nthe sample cannot be read: %s\n", printable(unread.Error()))
	case b != nil:
		for _, m := range b.Document.Missing {
			fmt.Fprintf(&out, "\nlacking in the sample: %s: %s\n", printable(m.File), printable(m.Why))
		}
		fmt.Fprintf(&out, "\n\"lunette incidents export %s%s\" writes the packets, HAR and a report for the origin's owner\n", n.ID, printable(place))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func failuresOf(n *store.Incident) string {
	text := fmt.Sprintf("%d failures", n.Count)
	if n.Count == 1 {
		text = "1 failure"
	}
	if n.Stalls > 0 {
		text += fmt.Sprintf(", of which %d were told while they lasted", n.Stalls)
	}
	return text
}

func orNone(id string) string {
	if id == "" {
		return "none of ours"
	}
	return id
}

// showWithLog draws the connection of the sample with what the origin's log says about it.
func showWithLog(cmd *cobra.Command, b *incident.Bundle, origin *originLogFlags) error {
	if b == nil || b.Packets == nil {
		return errors.New("join origin log: the sample has no packets")
	}
	cfg := analysis.Config{Flow: flow.Config{Silence: int64(time.Second)}, Inputs: []analysis.Input{{Name: incident.PacketsFile, Size: int64(len(b.Packets)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Packets)), nil }}}}
	report, err := analysis.Run(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	if err := origin.join(cmd.Context(), report, false, cmd.ErrOrStderr()); err != nil {
		return err
	}
	var e explainFlags
	c := e.capture(report)
	if c.Results, err = report.Diagnose(cmd.Context(), cfg); err != nil {
		return err
	}
	look := lookFlags{color: "auto", times: "relative"}
	options, err := look.options(cmd.OutOrStdout())
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(cmd.OutOrStdout())
	return explain.Text(cmd.OutOrStdout(), c, options)
}

func incidentsResolveCommand(f *incidentsFlags) *cobra.Command {
	return &cobra.Command{
		Use: "resolve ID", Short: "Say that an incident is over; it opens again when its cause is seen again", Example: "lunette incidents resolve --config lunette.yaml 01K2", Args: exactly("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, n, err := f.of(cmd, args[0], false)
			if err != nil {
				return err
			}
			defer func() { _ = s.Close() }()
			if n.State == store.StateResolved {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s was resolved already, %s by %s\n", n.ID, localStamp(n.ResolvedAt), printable(n.ResolvedBy))
				return err
			}
			if n, err = s.Resolve(cmd.Context(), n.ID, who()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s resolved: %s at %s\n", n.ID, printable(n.Cause), printable(n.Origin))
			return err
		},
	}
}

func incidentsKeyCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "key", Short: "Make a pair of keys to encrypt samples to", Example: "lunette incidents key -o key.txt", Args: exactly(),
		Long: "The private key is written to a file, or to standard output; keep it off the gateway. The public key (age1…) goes into the configuration.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" || out == "-" {
				_, err := incident.WriteKey(cmd.OutOrStdout(), time.Now())
				return err
			}
			file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if err != nil {
				return fileError("write key", out, err)
			}
			recipient, err := incident.WriteKey(file, time.Now())
			if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
				return errors.Join(err, os.Remove(out))
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s holds the private key: keep it off the gateway, and safe; without it samples cannot be read.\n\nincidents:\n  recipients: [%s]\n", filepath.Base(out), recipient)
			return err
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` for the private key; it must not be there")
	return cmd
}
