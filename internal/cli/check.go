package cli

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/app"
	"github.com/lunette-waf/lunette/internal/config"
)

func checkCommand() *cobra.Command {
	var schema, example, asJSON bool
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Validate a configuration file: every fault at once, with its place", Example: "lunette check lunette.yaml",
		Long: "Load a configuration with its certificates and rules as \"run\" would, and print every fault as file:line:column,\n" +
			"those of rule files and what they include too. Each rule of yours that works, but hardly as it is meant, or whose pattern may take\n" +
			"more than 100 ns for each byte of a value, gives a warning; the costly ones of the Core Rule Set stand together in one note.\n" +
			"Exit code 1 when there is an error; warnings leave it 0.",
		Args: func(cmd *cobra.Command, args []string) error {
			if schema || example {
				return nil
			}
			return exactly("FILE")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case schema:
				_, err := cmd.OutOrStdout().Write(append(config.Schema(), '\n'))
				return err
			case example:
				_, err := fmt.Fprint(cmd.OutOrStdout(), config.Example())
				return err
			}
			return check(cmd, args[0], asJSON)
		},
	}
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of configuration files, for editors")
	cmd.Flags().BoolVar(&example, "example", false, "print a configuration to begin with")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print faults as JSON")
	return cmd
}

func check(cmd *cobra.Command, path string, asJSON bool) error {
	faults, err := app.Check(path)
	if asJSON {
		if err != nil {
			faults = append(faults, config.Fault{File: path, Message: err.Error()})
		}
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		if faults == nil {
			faults = config.Faults{}
		}
		if e := enc.Encode(faults); e != nil {
			return e
		}
	} else {
		_ = faults.Print(cmd.ErrOrStderr())
		if err != nil {
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "%s: error: %v\n", path, err)
		}
	}
	if faults.Failed() || err != nil {
		return errReported
	}
	if !asJSON {
		_, warnings := faults.Count()
		_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%s is good, %s\n", path, counted(warnings, "warning"))
	}
	return nil
}
