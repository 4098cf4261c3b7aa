//go:build !windows

package cli

// terminalName opens the terminal of this process, wherever its input comes from.
const terminalName = "/dev/tty"
