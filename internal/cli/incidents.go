package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/config"
	"github.com/lunette-waf/lunette/internal/diagnosis/incident"
	"github.com/lunette-waf/lunette/internal/store"
)

const incidentsExample = "lunette incidents lunette.yaml"

// incidentsFlags say where the incidents lie, the same for all that is done to them.
type incidentsFlags struct {
	folder, config string
	asJSON         bool
}

func incidentsCommand() *cobra.Command {
	var f incidentsFlags
	var all, events bool
	cmd := &cobra.Command{
		Use: "incidents [CONFIG]", Short: "Say what failed, how often, why and since when; export the evidence", Example: incidentsExample,
		Long: "Failures of one cause at one origin are one incident. Lists those that are open, from the folder that the configuration names\n" +
			"(incidents.folder; default: " + defaultConfigFile + ") or from --folder. \"show\" tells all about one, \"export\" writes its evidence: facts, packets, HAR, and a report\n" +
			"for whoever looks after the origin.",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("incidents takes one CONFIG, or show, export, resolve or key, got %d arguments; example: %s", len(args), incidentsExample)}
			}
			if len(args) == 1 {
				if err := noCommand(cmd, args[0]); err != nil {
					return err
				}
				f.config = args[0]
			}
			return f.list(cmd, all, events)
		},
	}
	cmd.PersistentFlags().StringVar(&f.folder, "folder", "", "`FOLDER` of the incidents, in place of a configuration")
	cmd.PersistentFlags().StringVar(&f.config, "config", "", "configuration `FILE` that names the folder")
	cmd.PersistentFlags().BoolVar(&f.asJSON, "json", false, "JSON, for programs")
	cmd.Flags().BoolVar(&all, "all", false, "resolved incidents, too")
	cmd.Flags().BoolVar(&events, "events", false, "what happened: incidents that opened, certificates that changed; the newest first")
	cmd.AddCommand(incidentsShowCommand(&f), incidentsExportCommand(&f), incidentsResolveCommand(&f), incidentsKeyCommand())
	return cmd
}

// noCommand reports a word that is neither a file nor a command.
func noCommand(cmd *cobra.Command, word string) error {
	_, err := os.Stat(word)
	if !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if strings.ContainsAny(word, "./\\") {
		return fileError("read configuration", word, err)
	}
	meant := ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(word); len(near) > 0 {
		meant = fmt.Sprintf(": did you mean %q?", near[0])
	}
	return usageError{fmt.Errorf("%q is no command of incidents, and no such file is here%s", printable(word), meant)}
}

// place is how a command says where these incidents are, as this one was told.
func (f *incidentsFlags) place() string {
	switch {
	case f.folder != "":
		return " --folder " + incident.Quoted(f.folder)
	case f.config != "":
		return " --config " + incident.Quoted(f.config)
	}
	return ""
}

// open opens the store.
func (f *incidentsFlags) open(readOnly bool) (*store.Store, error) {
	folder := f.folder
	if folder == "" && f.config == "" {
		if _, err := os.Stat(defaultConfigFile); err == nil {
			f.config = defaultConfigFile
		}
	}
	switch {
	case folder != "" && f.config != "":
		return nil, usageError{errors.New("give --folder or a configuration, not both")}
	case f.config != "":
		if _, err := os.Stat(f.config); err != nil {
			return nil, fileError("read configuration", f.config, err)
		}
		c, faults := config.Load(f.config)
		if c == nil {
			return nil, fmt.Errorf("read %s: it has faults: \"lunette check %s\" shows them (%s)", f.config, incident.Quoted(f.config), counted(len(faults), "fault"))
		}
		if folder = c.Incidents.Folder; folder == "" {
			return nil, inMemory(c, f.config)
		}
	case folder == "":
		return nil, usageError{errors.New("say where the incidents are: --folder FOLDER or --config FILE; example: " + incidentsExample)}
	}
	if !readOnly { // which would begin a store
		if s, err := store.Open(store.Config{Folder: folder, ReadOnly: true}); err == nil {
			_ = s.Close()
		} else {
			return nil, storeError(folder, err)
		}
	}
	s, err := store.Open(store.Config{Folder: folder, ReadOnly: readOnly})
	if err != nil {
		return nil, storeError(folder, err)
	}
	return s, nil
}

// inMemory says where incidents are that no folder has.
func inMemory(c *config.Config, file string) error {
	ask := "set admin, and GET /incidents there tells them"
	if c.Admin.Address != "" {
		ask = "\"curl http://" + c.Admin.Address + "/incidents\" (with \"Authorization: Bearer TOKEN\" where there is an admin.token) tells them"
	}
	return fmt.Errorf("%s sets no incidents.folder: its incidents live in the memory of the gateway, without samples: %s; or set incidents.folder", file, ask)
}

func storeError(folder string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read incidents: %s holds none: no gateway with this incidents.folder has run yet", folder)
	}
	return fmt.Errorf("read incidents: %w", err)
}

func (f *incidentsFlags) list(cmd *cobra.Command, all, events bool) error {
	s, err := f.open(true)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if events {
		return f.events(cmd, s)
	}
	found, err := s.Incidents(cmd.Context(), store.Query{All: all})
	if err != nil {
		return err
	}
	if f.asJSON {
		out := []jsonIncident{}
		for i := range found {
			out = append(out, incidentJSON(&found[i]))
		}
		return writeJSON(cmd.OutOrStdout(), out)
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "no incident is open; --all shows those that are over")
		return err
	}
	return incidentTable(cmd.OutOrStdout(), found, f.place())
}

// incidentTable writes a line for each incident, and its sentence below.
func incidentTable(w io.Writer, all []store.Incident, place string) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(tab, "ID\tSTATE\tSINCE\tLAST\tCOUNT\tSITE → ORIGIN\tCAUSE")
	for i := range all {
		n := &all[i]
		cause := n.Cause
		if sure := sureness(n); sure != "" {
			cause += " · " + sure
		}
		_, _ = fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%d\t%s → %s\t%s\n", printable(n.ID), printable(string(n.State)), localStamp(n.Opened), localStamp(n.Last), n.Count,
			printable(n.Site), printable(n.Origin), printable(cause))
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w)
	for i := range all {
		n := &all[i]
		_, _ = fmt.Fprintf(w, "%s: %s\n", printable(n.ID), printable(incident.WithoutQueries(cmp.Or(n.Summary, n.Title))))
		for _, line := range cureLines(n) {
			_, _ = fmt.Fprintf(w, "  %s\n", line)
		}
	}
	_, err := fmt.Fprintf(w, "\n%s; \"lunette incidents show ID%s\" tells more\n", counted(len(all), "incident"), printable(place))
	return err
}

// sureness is how sure the cause of an incident is.
func sureness(n *store.Incident) string { return incident.CountedOf(n).Confidence }

// cureLines are what a trial demonstrated, nothing without one.
func cureLines(n *store.Incident) []string {
	if n.Proven == "" {
		return nil
	}
	out := []string{"mend, demonstrated: " + printable(n.Proven)}
	for line := range strings.Lines(n.Cure) {
		out = append(out, "      "+printable(strings.TrimRight(line, "\n")))
	}
	if warning := incident.CureWarning(n.Cure); warning != "" {
		out = append(out, "    "+warning)
	}
	return out
}

func localStamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// jsonIncident is an incident for programs.
type jsonIncident struct {
	incident.Counted
	Samples []jsonSample `json:"samples"`
}

type jsonSample struct {
	Request   string    `json:"request"`
	At        time.Time `json:"at"`
	File      string    `json:"file"`
	Size      int64     `json:"size"`
	Encrypted bool      `json:"encrypted"`
}

func incidentJSON(n *store.Incident) jsonIncident {
	out := jsonIncident{incident.CountedOf(n), []jsonSample{}}
	for _, s := range n.Samples {
		out.Samples = append(out.Samples, jsonSample(s))
	}
	return out
}

// events writes what happened.
func (f *incidentsFlags) events(cmd *cobra.Command, s *store.Store) error {
	all, err := s.Events(cmd.Context(), store.Query{})
	if err != nil {
		return err
	}
	type event struct {
		At     time.Time `json:"at"`
		Site   string    `json:"site"`
		Origin string    `json:"origin"`
		Kind   string    `json:"kind"`
		Text   string    `json:"text"`
	}
	out := []event{}
	for _, e := range all {
		out = append(out, event(e))
	}
	if f.asJSON {
		return writeJSON(cmd.OutOrStdout(), out)
	}
	if len(out) == 0 {
		_, err := fmt.Fprintln(cmd.OutOrStdout(), "nothing has happened yet")
		return err
	}
	for _, e := range out {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %s → %s: %s\n", localStamp(e.At), printable(e.Kind), printable(e.Site), printable(e.Origin), printable(e.Text))
	}
	return err
}

// who is the user that runs this, and the process, as far as they are known.
func who() string {
	return strings.TrimSpace(accountName() + " (process " + strconv.Itoa(os.Getpid()) + ")")
}
