package cli

// terminalName opens the console of this process, wherever its input comes from.
const terminalName = "CONIN$"
