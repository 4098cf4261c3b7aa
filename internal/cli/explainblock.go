package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/lunette-waf/lunette/internal/app"
)

func explainBlockCommand() *cobra.Command {
	var path, log string
	cmd := &cobra.Command{
		Use: "explain-block ID", Short: "Say why a request was blocked and print the narrowest exclusion", Example: "lunette explain-block 01JD… --config lunette.yaml", Args: exactly("ID"),
		Long: "ID stands on the error page, in X-Request-Id and in the access log. The record is looked for in the access log file,\nthen at the admin address, as the configuration names them.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if path == "" && log == "" {
				return usageError{fmt.Errorf("explain-block needs --config FILE or --log FILE to find the request")}
			}
			text, err := app.ExplainBlock(path, log, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "configuration of the gateway that blocked it")
	cmd.Flags().StringVar(&log, "log", "", "access log file to look in")
	return cmd
}
