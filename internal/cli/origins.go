package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/app"
)

func originsCommand() *cobra.Command {
	var from app.LearnedFrom
	var asJSON, events bool
	cmd := &cobra.Command{
		Use: "origins [NAME]", Short: "Show what the gateway has learned of its origins, and how they changed", Example: "lunette origins --config lunette.yaml www.example.com",
		Long: "What was seen of each origin: TLS versions, certificates and addresses with their history, whether it renegotiates and where, when it\n" +
			"closes idle connections, how soon it answers; and what follows for its settings. NAME is a site, or a part of its name or of an\n" +
			"origin's URL. With --config (default: " + defaultConfigFile + ") the running gateway is asked at its admin address; where none answers,\n" +
			"and with --folder, the store tells what was known last.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("origins takes at most one NAME, got %d; example: lunette origins www.example.com", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if from.Config != "" && from.Folder != "" {
				return usageError{fmt.Errorf("give --config or --folder, not both")}
			}
			if from.Config == "" && from.Folder == "" {
				if _, err := os.Stat(defaultConfigFile); err != nil {
					return usageError{fmt.Errorf("where is the gateway? give --config FILE, its configuration, or --folder DIR, its incidents.folder")}
				}
				from.Config = defaultConfigFile
			}
			learned, err := app.Origins(cmd.Context(), from)
			if err != nil {
				return err
			}
			known := len(learned.Origins)
			if len(args) > 0 {
				learned.Only(args[0])
				if len(learned.Origins) == 0 && known > 0 {
					return fmt.Errorf("no origin fits %q; \"lunette origins\" lists all %d", printable(args[0]), known)
				}
			}
			return writeOrigins(cmd.OutOrStdout(), learned, asJSON, events)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&from.Config, "config", "c", "", "configuration `FILE` of the gateway, for its admin address and its incidents.folder")
	f.StringVar(&from.Folder, "folder", "", "`DIR` that incidents.folder names")
	f.BoolVar(&asJSON, "json", false, "JSON (docs/origins.md)")
	f.BoolVar(&events, "events", false, "how origins changed, the newest first")
	return cmd
}

// defaultConfigFile is read where nothing else says where the gateway is.
const defaultConfigFile = "lunette.yaml"

func writeOrigins(w io.Writer, l *app.Learned, asJSON, events bool) error {
	switch {
	case asJSON && events:
		return writeJSON(w, l.Events())
	case asJSON:
		return writeJSON(w, l)
	}
	var b bytes.Buffer
	if l.Note != "" {
		fmt.Fprintf(&b, "%s\n\n", l.Note)
	}
	switch {
	case events:
		eventWords(&b, l)
	case len(l.Origins) == 0:
		fmt.Fprintln(&b, "Nothing is known of any origin yet: no request has been forwarded.")
	default:
		for i := range l.Origins {
			originWords(&b, &l.Origins[i], l.At)
		}
	}
	_, err := io.WriteString(w, printableLines(b.String()))
	return err
}

func originWords(b *bytes.Buffer, o *app.LearnedOrigin, now time.Time) {
	site := o.Site
	if site == "" {
		site = "(no site)"
	}
	fmt.Fprintf(b, "%s → %s\n", site, o.URL)
	for _, l := range o.Lines(now) {
		fmt.Fprintf(b, "  %-13s %s\n", l.Label, l.Text)
	}
	for i, d := range o.Events {
		if i < len(o.Events)-3 {
			continue
		}
		fmt.Fprintf(b, "  %-13s %s %s\n", "changed", d.At.UTC().Format("2006-01-02 15:04"), d.Text)
	}
	for _, s := range o.Suggestions {
		fmt.Fprintf(b, "  %-13s %s\n", "suggestion", s.Why)
		if s.Setting != "" {
			fmt.Fprintf(b, "  %-13s   %s\n", "", s.Setting)
		}
	}
	fmt.Fprintln(b)
}

func eventWords(b *bytes.Buffer, l *app.Learned) {
	all := l.Events()
	if len(all) == 0 {
		fmt.Fprintln(b, "No origin has changed since it became known.")
	}
	for _, d := range all {
		fmt.Fprintf(b, "%s %s %s\n  %s\n  %s\n\n", d.At.UTC().Format("2006-01-02 15:04:05"), d.Kind, d.Site, d.Text, d.Advice)
	}
}
