package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/diagnosis"
	checks "github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/diagnosis/manual"
	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/internal/spelling"
)

// findingColumns is how wide the manual is where nobody says.
const findingColumns = 100

func findingCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "finding [CODE]", Short: "Print the manual page of one cause, or the list of all", Example: "lunette finding tls.hello_request_ignored",
		Long: "Without CODE, the list of all causes that \"explain\" and \"doctor\" can state. A phase (tls), a reason of an attempt\n" +
			"(read.first_byte_timeout), a status that a proxy answers (502, 504, 499) or a number of docs/findings/catalogue.md (33) lists\n" +
			"those that belong to it.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("finding takes at most one CODE, got %d; example: lunette finding tls.hello_request_ignored", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return usageError{fmt.Errorf("unknown format %q; there are text and json", format)}
			}
			wanted := ""
			if len(args) > 0 {
				wanted = strings.ToLower(strings.TrimSuffix(args[0], ".md"))
			}
			return findings(cmd.OutOrStdout(), wanted, format == "json")
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// findings writes the page of the check that is wanted, or the list of those that fit.
func findings(w io.Writer, wanted string, asJSON bool) error {
	all := diagnosis.Checks()
	for i := range all {
		if string(all[i].Code) == wanted {
			if asJSON {
				return writeJSON(w, manual.EntryOf(&all[i]))
			}
			_, err := io.WriteString(w, manual.Text(&all[i], findingWidth(w)))
			return err
		}
	}
	fit := fitting(all, wanted)
	if len(fit) == 0 {
		return usageError{fmt.Errorf("no finding is called %q;%s \"lunette finding\" lists them", printable(wanted), didYouMean(all, wanted))}
	}
	if asJSON {
		entries := []manual.Entry{}
		for i := range fit {
			entries = append(entries, manual.EntryOf(&fit[i]))
		}
		return writeJSON(w, entries)
	}
	_, err := io.WriteString(w, manual.List(fit, findingWidth(w)))
	return err
}

// fitting are all checks for "", else those of a phase, of a reason, of a status that a gateway answers for them, or of a number of the
// catalogue.
func fitting(all []checks.Check, wanted string) []checks.Check {
	number, _ := strconv.Atoi(wanted)
	return slices.DeleteFunc(slices.Clone(all), func(k checks.Check) bool {
		return wanted != "" && k.Code.Phase() != wanted && !slices.Contains(k.Refines, reason.Code(wanted)) && !slices.Contains(k.Catalogue, number) && !answered(&k, number)
	})
}

// answered reports whether a gateway answers with this status where a check finds its cause: Lunette does for a reason that the check refines.
// 499 is what nginx logs of a client that left.
func answered(k *checks.Check, status int) bool {
	return status >= 400 && slices.ContainsFunc(k.Refines, func(r reason.Code) bool {
		return reason.Lookup(r).Status == status || status == statusClientLeft && r == reason.ClientGone
	})
}

const statusClientLeft = 499

func findingWidth(w io.Writer) int {
	fd, isTerminal := terminal(w)
	if n := columns(fd, isTerminal); n > 0 {
		return min(n, findingColumns)
	}
	return findingColumns
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// didYouMean names at most three codes that are near what was typed.
func didYouMean(all []checks.Check, typed string) string {
	type near struct {
		code     string
		distance int
	}
	var found []near
	bound := max(2, len(typed)/8) + 1
	_, cause, _ := strings.Cut(typed, ".")
	for i := range all {
		code := string(all[i].Code)
		d := spelling.Distance(code, typed, bound)
		_, bare, _ := strings.Cut(code, ".")
		switch {
		case len(typed) >= 4 && strings.Contains(code, typed), len(cause) >= 4 && strings.Contains(code, cause):
			d = 0
		case cause == "": // typed without its phase
			d = spelling.Distance(bare, typed, bound)
		}
		if d < bound {
			found = append(found, near{code, d})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.distance - b.distance })
	if len(found) == 0 {
		return ""
	}
	var codes []string
	for _, n := range found[:min(len(found), 3)] {
		codes = append(codes, n.code)
	}
	return " did you mean " + strings.Join(codes, " or ") + "?"
}
