package smuggling_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/reason"
	"github.com/lunette-waf/lunette/test/wiretable"
)

//go:generate go test -run TestForwardingPage -update .

var update = flag.Bool("update", false, "write docs/forwarding.md")

const page = "../../docs/forwarding.md"

// The page is made of the tables that the other tests replay, so it cannot say more than they hold.
func TestForwardingPage(t *testing.T) {
	want := writePage(t)
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil || string(got) != want {
		t.Errorf("%s is older than the tables (%v): go generate ./test/smuggling writes it", page, err)
	}
}

func writePage(t *testing.T) string {
	requests, responses := table(t, requestTable, 250), table(t, responseTable, 90)
	var b strings.Builder
	fmt.Fprintf(&b, intro, len(requests), len(responses)+len(furtherResponses()), len(streams()), code(notForwarded()...), code(forgeries()...))
	b.WriteString("\n## Requests over HTTP/1.1\n\n" + requestIntro)
	writeRows(t, &b, requestTable, requests, func(c *wiretable.Case) string {
		v := expected(c, "lenient")
		switch strict := expected(c, "strict"); {
		case v.reason != "":
			return refusal(v)
		case strict.reason != "":
			return "forwarded; " + refusal(strict)
		}
		return "forwarded"
	})
	b.WriteString("\n## Requests over HTTP/2\n\n" + http2Intro + "| stream | RFC 9113 | becomes |\n|---|---|---|\n")
	for _, s := range streams() {
		becomes := "**refused**"
		switch {
		case s.pass:
			becomes = "forwarded"
		case s.begun:
			becomes = "**refused**, when the fault shows"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.name, s.rfc, becomes)
	}
	b.WriteString("\n## Answers from origins\n\n" + responseIntro)
	writeRows(t, &b, responseTable, responses, answerBecomes)
	b.WriteString("\n### More than one message\n\n" + tableHead)
	for _, c := range furtherResponses() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Name, c.RFC, answerBecomes(&c))
	}
	return b.String()
}

const tableHead = "| message | decided by | becomes |\n|---|---|---|\n"

// answerBecomes says what an origin's answer becomes.
func answerBecomes(c *wiretable.Case) string {
	want, known := responseVerdicts()[c.Name]
	if !known {
		want = c.Refuse
	}
	switch {
	case c.Want("method", "") == "CONNECT":
		return "never asked for: CONNECT is not served"
	case want != "":
		return fmt.Sprintf("**%d** `%s`", reason.Lookup(reason.Code(want)).StatusFor(false), want)
	case c.Want("left", "") != "" && c.Want("status", "") != "100":
		return "passed on; what follows it is dropped, and the connection closed"
	}
	return "passed on"
}

// refusal is a verdict in words.
func refusal(v verdict) string {
	s := fmt.Sprintf("**%d** `%s`", v.status, v.reason)
	if v.status == 0 {
		s = fmt.Sprintf("**no answer** `%s`", v.reason)
	}
	if v.why != "" {
		s += ": " + v.why
	}
	return s
}

// writeRows writes a table for each part of a file, which begins with a comment of its own behind an empty line.
func writeRows(t *testing.T, b *strings.Builder, file string, cases []wiretable.Case, becomes func(*wiretable.Case) string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	from := 0
	for i := range cases {
		c := &cases[i]
		for ; from < c.Line; from++ {
			if part, ok := strings.CutPrefix(lines[from], "# "); ok && from > 0 && lines[from-1] == "" {
				fmt.Fprintf(b, "\n### %s\n\n%s", part, tableHead)
			}
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", strings.ReplaceAll(c.Name, "|", "\\|"), c.RFC, becomes(c))
	}
}

func code(names ...string) string { return "`" + strings.Join(names, "`, `") + "`" }

const intro = `<!-- Code generated from the tables of internal/httpwire and test/smuggling by "go generate ./test/smuggling"; DO NOT EDIT. -->

# What is forwarded, what is refused

A WAF that forwards something else than it inspected protects nothing. This page is the contract, as tables: %d raw requests, %d raw
answers and %d HTTP/2 streams, each with what becomes of it. ` + "`test/smuggling`" + ` replays all of them through the whole gateway to nginx,
Apache, Node and Tomcat, with a further request behind each on the same connections, and compares what the origin wrote down
with what the rules saw.

## The contract

1. **One reading.** A message is read once. Site, rules, log and origin get that reading; nobody reads the bytes again.
2. **Our own bytes.** The origin gets our serialisation of that reading, never the client's bytes: one Host, one framing, CRLF.
3. **Unchanged what was accepted.** Method, path, query, field names and values, their order, and the content go on byte for byte.
   Nothing is decoded, normalised, folded, merged or sorted on the way (over HTTP/2 in, fields are sorted by name and cookies joined, RFC 9113 section 8.2.3).
4. **Refused, not mended.** What two readers could read in two ways is refused with a reason. The answer carries its code in
   Proxy-Status and the page, the log the detail too; the connection ends, and what came behind the message is not read.
5. **Nothing of a refused message reaches the origin.** One exception, which is stated: without inspection (` + "`waf: {mode: off}`" + `) a body is
   streamed, so a fault deep in it shows when the beginning has left. The origin then gets a message that never ends, on a connection that is closed.
   With inspection the body is read first, to its end or to the limit of what rules look at.
6. **One answer for one request.** A connection on which more came than was asked for, or something else, or whose framing is in doubt, is
   closed and never serves another request. Each kept connection is looked at before it is used again.
   What no gateway can see: an origin that ignores the length of a request's content and reads the content as a further request. Where you
   have such a one, mend it, and meanwhile set ` + "`origin.idle_connections: 0`" + `, so that no connection serves two requests.
7. **Faults of the client are the client's**: they answer 4xx, are logged with side ` + "`client`" + `, and never count against an origin's health.

## Fields of a request

| fields | what becomes of them |
|---|---|
| %s | not passed on: they belong to one connection, or are written anew |
| ` + "`Host`" + ` | the authority of the reading; ` + "`origin.host`" + ` where that is set; for HTTP/1.0 without Host the site's first name, else the origin's |
| ` + "`Content-Length`, `Transfer-Encoding`" + ` | one of both, from the reading: the length that was stated, or ` + "`chunked`" + ` |
| ` + "`TE: trailers`, `Upgrade`" + ` | said again in our own name, with Connection, where the client asked and we can keep it |
| ` + "`Expect`" + ` | answered by us; ours goes out only where the origin may renegotiate (see the origin's ` + "`tls`" + ` settings) |
| ` + "`Trailer`" + ` | with a chunked body only |
| %s, and spellings that CGI takes for the same (` + "`X_Forwarded_For`, `X.Forwarded.For`" + `) | dropped, in header and trailer; true ones of ` + "`trusted_proxies`" + ` stay where they may say so |
| ` + "`X-Forwarded-For`, `-Proto`, `-Host`, `-Port`, `Forwarded`, `Via`, `X-Request-Id`" + ` | added |
| trailers | as header fields, and none that frames, routes, authenticates or describes content (RFC 9110 section 6.5.1) |
| everything else | unchanged, in its order |

` + "`Connection`" + ` may name hop-by-hop fields, and names that no field of the message has. Where it names another field of the message
(Cookie, Authorization, X-Forwarded-For …) the request is refused: 400 ` + "`http1.bad_header`" + `.
`

const requestIntro = `Each row stands in ` + "`internal/httpwire/testdata/requests.txt`" + ` with its bytes. A status in bold is ours, with the reason; what a site's settings
decide is said beside it. ` + "`client.gone`" + ` has no answer: nobody is there to read it.
`

const http2Intro = `A stream is held to what HTTP/1.1 can say before it goes on. "Refused" is a 4xx or 501 of ours, a reset of the stream, or the end of the connection,
whichever the fault asks for; the origin receives nothing.

`

const responseIntro = `Each row stands in ` + "`internal/httpwire/testdata/responses.txt`" + `. An answer that is refused before its head went on becomes the status in bold; one that breaks
in its body is cut off so that the client can tell it from a whole one. Either way the origin's connection is closed. Heads may be as large as
` + "`origin.max_header`" + ` says, so rows at a request's limits pass.
`
