package reason

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

//go:generate go test -run TestDocsAreFresh -update .

var update = flag.Bool("update", false, "rewrite docs/reasons.md from the table")

const docsHead = `<!-- Code generated from internal/reason by "go generate ./internal/reason"; DO NOT EDIT. -->

# Reasons

Every failed attempt to reach an origin, and every request that Lunette ends itself, carries one reason: phase.cause.
It stands in the access log (reason of the request and of each attempt), in metrics, in the Proxy-Status header (RFC 9209) and
on the page that the client sees. What belongs to it (TLS alert 40, a GOAWAY code, the limit that was hit) is the separate field
detail, in the log alone: clients learn the code, and of a TLS alert the number and name, never an address or a name behind Lunette.

- **whose**: client, us (Lunette, its settings, its machine), origin, network (between Lunette and the origin).
- **status**: what Lunette answers; two numbers where the fault may also lie in the client's own message: that one stands second.
  A dash: the code annotates an answer that went through, or none is possible.
- **retry**: when another attempt is safe. If unprocessed: the origin cannot have acted on it, or the method is idempotent.
- **not yet given**: the name is reserved; no part of this version gives the code, and settings that its advice names may not exist.
- **elsewhere**: the nearest thing that other proxies say: HAProxy's termination state, Envoy's response flag, nginx's error
  log, Cloudflare's status.

What may be behind a reason, with its proof and its mends, is a finding: [findings](findings/README.md#by-reason) lists them by reason,
"lunette finding REASON" prints that list.
`

func markdown() []byte {
	var b bytes.Buffer
	b.WriteString(docsHead)
	phase := ""
	for i := range All() {
		if i.Code.Phase() != phase {
			phase = i.Code.Phase()
			fmt.Fprintf(&b, "\n## %s\n", phase)
		}
		fmt.Fprintf(&b, "\n### %s\n\n", i.Code)
		if i.NotYet() {
			b.WriteString("*Not yet given.* ")
		}
		fmt.Fprintf(&b, "%s\n\n**Check first:** %s\n\n", i.Means, i.Check)
		fmt.Fprintf(&b, "whose: %s · status: %s · retry: %s", i.Side, statuses(i), i.Retry)
		if i.ProxyStatus != "" {
			fmt.Fprintf(&b, " · Proxy-Status: `%s`", i.ProxyStatus)
		}
		b.WriteString("\n")
		if e := elsewhere(i); e != "" {
			fmt.Fprintf(&b, "\nelsewhere: %s\n", e)
		}
	}
	return b.Bytes()
}

func statuses(i Info) string {
	s := "–"
	if i.Status != 0 {
		s = strconv.Itoa(i.Status)
	}
	if i.RequestStatus != 0 && i.RequestStatus != i.Status {
		s += " / " + strconv.Itoa(i.RequestStatus)
	}
	return s
}

func elsewhere(i Info) string {
	var parts []string
	if i.HAProxy != "" && i.HAProxy != "--" {
		parts = append(parts, "HAProxy `"+i.HAProxy+"`")
	}
	if i.Envoy != "" {
		parts = append(parts, "Envoy `"+i.Envoy+"`")
	}
	if i.NGINX != "" {
		parts = append(parts, "nginx `"+i.NGINX+"`")
	}
	if i.Cloudflare != 0 {
		parts = append(parts, "Cloudflare "+strconv.Itoa(i.Cloudflare))
	}
	return strings.Join(parts, ", ")
}

func TestDocsAreFresh(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "reasons.md")
	want := markdown()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.ReplaceAll(got, []byte("\r\n"), []byte("\n")), want) {
		t.Error("docs/reasons.md is not what the table says: run go generate ./internal/reason")
	}
}
