package audit

import (
	"bytes"
	"strconv"

	"github.com/lunette-waf/lunette/internal/exchange"
)

// native writes one record in ModSecurity's own format. Every line that holds anything of the client's goes through line, which
// escapes what would end it and a "-" at its start: so no line but our own begins as a boundary does, known or guessed.
type native struct {
	b     []byte
	start string // of a boundary, up to the letter
}

// part begins a part; what it holds ends with an empty line.
func (n *native) part(letter byte) {
	n.b = append(append(append(n.b, n.start...), letter), "--\n"...)
}

// line appends pieces as one line.
func (n *native) line(pieces ...string) {
	at := len(n.b)
	for _, p := range pieces {
		n.b = appendLine(n.b, p, false)
	}
	n.finish(at)
}

// finish ends the line that begins at at.
func (n *native) finish(at int) {
	if len(n.b) > at && n.b[at] == '-' {
		n.b = append(n.b[:at], append([]byte(`\x2d`), n.b[at+1:]...)...)
	}
	n.b = append(n.b, '\n')
}

func (n *native) end() { n.b = append(n.b, '\n') }

// appendNative appends the record of v, its parts between boundaries. Part K has a line of facts for each rule, for its text is not kept.
func (l *Log) appendNative(dst []byte, v *view) []byte {
	n := &native{b: dst, start: "--" + l.cfg.Boundary() + "-"}
	x := v.x
	n.part('A')
	n.line("[", x.Start.UTC().Format("02/Jan/2006:15:04:05 -0700"), "] ", x.ID, " ", known(address(v.client)), " ", strconv.Itoa(int(v.client.Port())),
		" ", known(address(v.local)), " ", strconv.Itoa(int(v.local.Port())))
	if v.has("B") {
		n.part('B')
		n.line(v.line)
		n.fields(v.headers)
		n.end()
	}
	if v.has("C") {
		n.body('C', v.body)
	}
	if v.has("E") {
		n.body('E', v.replyBody)
	}
	if v.has("F") {
		n.part('F')
		n.line(x.Request.Proto.String(), " ", strconv.Itoa(x.Answer.Status))
		n.fields(v.reply)
		n.end()
	}
	if v.has("H") {
		l.trailer(n, v)
	}
	if v.has("I") && !v.has("C") {
		n.body('I', v.body)
	}
	if v.has("J") && len(v.files) > 0 {
		n.files(v.files)
	}
	if v.has("K") {
		n.part('K')
		n.rules(v)
		n.end()
	}
	n.part('Z')
	n.end()
	return n.b
}

// known is what stands for an address in a line whose words are counted.
func known(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func (n *native) fields(list []exchange.Field) {
	for _, f := range list {
		n.line(f.Name, ": ", f.Value)
	}
}

func (n *native) body(letter byte, body string) {
	if body == "" {
		return
	}
	n.part(letter)
	n.line(body)
	n.end()
}

// trailer appends part H: what rules said and who says so.
func (l *Log) trailer(n *native, v *view) {
	x := v.x
	n.part('H')
	for i := range v.messages {
		at := len(n.b)
		n.b = v.appendMessage(append(n.b, "Message: "...), &v.messages[i])
		n.finish(at)
	}
	for _, note := range v.notes {
		n.line("Message: ", note)
	}
	if x.WAF.Verdict == "block" {
		n.line("Action: Intercepted (phase ", strconv.Itoa(v.phase()), ")")
	}
	if r := v.reasonText(); r != "" {
		n.line("Reason: ", r)
	}
	n.line("Stopwatch: ", v.stopwatch())
	n.line("Score: ", strconv.Itoa(x.WAF.Score), " of ", strconv.Itoa(x.WAF.Threshold))
	at := len(n.b)
	n.b = append(n.b, "Producer: Lunette "...)
	n.b = appendLine(n.b, l.cfg.Version, false)
	for _, r := range v.rulesets() {
		n.b = appendLine(append(n.b, "; "...), r, false)
	}
	n.finish(at)
	n.line("Server: ", x.Site)
	mode := "ENABLED"
	if x.WAF.Mode == "detect" {
		mode = "DETECTION_ONLY"
	}
	n.b = append(n.b, `Engine-Mode: "`+mode+`"`+"\n"...)
	n.end()
}

// files appends part J: number, size, name and type of each, then how much they are together.
func (n *native) files(list []exchange.File) {
	n.part('J')
	var total int64
	for i, f := range list {
		n.b = append(strconv.AppendInt(n.b, int64(i+1), 10), ',')
		n.b = append(strconv.AppendInt(n.b, f.Size, 10), `,"`...)
		n.b = append(appendLine(n.b, cut(f.Name, maxName), true), `","`...)
		n.b = append(appendLine(n.b, cut(f.Type, maxName), true), "\"\n"...)
		total += f.Size
	}
	n.line("Total,", strconv.FormatInt(total, 10))
	n.end()
}

// rules appends one line for each rule that matched, in the order in which they did.
func (n *native) rules(v *view) {
	shown := map[int]bool{}
	for i := range v.messages {
		m := &v.messages[i]
		if shown[m.ID] {
			continue
		}
		shown[m.ID] = true
		at := len(n.b)
		n.b = append(n.b, "SecRule"...)
		n.b = appendBrackets(n.b, m)
		n.finish(at)
	}
}

// wholeNative returns how many of the bytes are whole records: up to the end of the last part Z.
func wholeNative(written []byte) int {
	for end := len(written); end > 0; {
		i := bytes.LastIndex(written[:end], []byte("-Z--\n\n"))
		if i < 0 {
			return 0
		}
		if line := bytes.LastIndexByte(written[:i], '\n') + 1; bytes.HasPrefix(written[line:], []byte("--")) {
			return i + len("-Z--\n\n")
		}
		end = i + len("-Z--\n\n") - 1
	}
	return 0
}
