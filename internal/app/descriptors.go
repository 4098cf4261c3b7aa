package app

import "github.com/lunette-waf/lunette/internal/config"

// boundConnections makes limits.connections of every listener fit the process's file descriptors, of which files is the
// number: clients get two thirds, in equal parts. A flood of idle clients must leave some for origins, bodies and logs,
// or nothing is served at all. It returns the bound where it lowered one, else 0. files of 0 is unknown.
func boundConnections(listen []config.Listener, files uint64) int {
	if files == 0 || len(listen) == 0 {
		return 0
	}
	most := int(min(max(files/3*2/uint64(len(listen)), 1), 1<<30))
	lowered := 0
	for i := range listen {
		if n := &listen[i].Limits.Connections; *n == 0 || *n > most {
			*n, lowered = most, most
		}
	}
	return lowered
}
