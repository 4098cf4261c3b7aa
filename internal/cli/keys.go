package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func keysCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "keys [PROGRAM]", Short: "Say how to get the secrets that open recorded TLS traffic, or check them", Example: "lunette keys nginx",
		Long:      "Without PROGRAM, say what opens what and list the programs.",
		ValidArgs: recipeNames(),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("keys takes one program, got %d; \"lunette keys\" lists them", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return printOverview(cmd.OutOrStdout())
			}
			r, ok := findRecipe(args[0])
			if !ok {
				return usageError{fmt.Errorf("unknown program %q; there are %s", args[0], strings.Join(recipeNames(), ", "))}
			}
			return printSteps(cmd.OutOrStdout(), r.title+"\n", r.steps)
		},
	}
	cmd.AddCommand(keysCheckCommand())
	return cmd
}

// recipe says how to get secrets from one program.
type recipe struct {
	name    string
	aliases []string
	title   string
	short   string // a line for the overview
	steps   []step
}

// step is a paragraph and what to type, or to write into a file, behind it. lang is for the page: sh, powershell, nginx, go, …
type step struct {
	say  string
	do   string
	lang string
}

func findRecipe(name string) (recipe, bool) {
	name = strings.ToLower(name)
	for _, r := range recipes() {
		if r.name == name {
			return r, true
		}
		for _, a := range r.aliases {
			if a == name {
				return r, true
			}
		}
	}
	return recipe{}, false
}

func recipeNames() []string {
	var names []string
	for _, r := range recipes() {
		names = append(names, r.name)
	}
	return names
}

func recipes() []recipe {
	return slices.Concat(keysLive(), keysOfServers(), keysOfClients(), keysOfWindows())
}

func printOverview(w io.Writer) error {
	if err := printSteps(w, "Secrets that open recorded TLS traffic\n", keysOverview()); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("\nlunette keys PROGRAM says how for:\n\n")
	for _, r := range recipes() {
		fmt.Fprintf(&b, "  %-9s %s\n", r.name, r.short)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printSteps writes paragraphs in lines of at most 100 characters, and what to type indented and as it is.
func printSteps(w io.Writer, title string, steps []step) error {
	var b strings.Builder
	b.WriteString(title)
	for _, s := range steps {
		b.WriteString("\n")
		wrap(&b, s.say, 100)
		for line := range strings.Lines(s.do) {
			b.WriteString("    " + strings.TrimRight(line, "\n") + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap breaks a paragraph at spaces.
func wrap(b *strings.Builder, text string, width int) {
	column := 0
	for _, word := range strings.Fields(text) {
		size := len([]rune(word))
		switch {
		case column == 0:
		case column+1+size > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += size
	}
	b.WriteByte('\n')
}
