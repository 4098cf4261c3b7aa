package peer

import (
	_ "embed"
	"path/filepath"
	"testing"
)

// NodeEcho is a script for [Node]: an HTTP origin that appends each request, as Node read it, to requests.log and
// answers with the same JSON. See [Server.Received]. With PEER_CERT and PEER_KEY in the environment it speaks TLS.
//
//go:embed echo.js
var NodeEcho string

// Node starts a Node script, which listens on port 0 of 127.0.0.1 and may write files into its working folder.
// env is added to its environment, "NAME=value".
func Node(t testing.TB, script string, env ...string) *Server {
	t.Helper()
	path := Need(t, "node", "nodejs")
	dir := folder(t)
	file := filepath.Join(dir, "server.js")
	write(t, file, []byte(script))
	return must(t, command{name: "node", path: path, dir: dir, args: []string{file}, env: env})
}
