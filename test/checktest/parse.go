package checktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/diagnosis/check"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/reason"
)

// Parse reads a case. An error names its line.
func Parse(text string) (*check.Case, error) {
	p := parser{start: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if err := p.line(strings.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("line %d: %w: %s", n, err, line)
		}
	}
	p.close()
	if p.c.Flow == nil {
		return nil, errors.New("no flow")
	}
	return &p.c, nil
}

type parser struct {
	start  time.Time
	c      check.Case
	flow   *check.Flow
	word   string // that began flow
	around bool
}

func (p *parser) line(line string) error {
	if line == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	words, err := split(line)
	if err != nil {
		return err
	}
	switch words[0] {
	case "flow", "other", "normal":
		p.close()
		p.word, p.flow, p.around = words[0], new(check.Flow), false
		return p.head(words[1:])
	case "case":
		p.close()
		p.around = true
		return nil
	case "end":
		if len(words) != 2 || p.flow == nil {
			return errors.New("want: end SECONDS, in a flow")
		}
		p.flow.End, err = p.time(words[1])
		return err
	}
	return p.fact(words)
}

func (p *parser) close() {
	if p.flow == nil {
		return
	}
	f := p.flow.Prepared()
	p.flow = nil
	switch {
	case p.word == "normal":
		p.c.Normal = f
	case p.word == "flow" && p.c.Flow == nil:
		p.c.Flow = f
	default:
		p.c.Others = append(p.c.Others, f)
	}
}

func (p *parser) head(words []string) (err error) {
	if len(words) < 4 || words[2] != ">" {
		return errors.New("want: flow ID CLIENT > SERVER …")
	}
	f := p.flow
	if f.Conn, err = strconv.ParseUint(words[0], 10, 64); err != nil {
		return err
	}
	if f.Client, err = netip.ParseAddrPort(words[1]); err != nil {
		return err
	}
	if f.Server, err = netip.ParseAddrPort(words[3]); err != nil {
		return err
	}
	for _, w := range words[4:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "watched":
			for name := range strings.SplitSeq(value, ",") {
				bit := check.WatchedNamed(name)
				if bit == 0 {
					return fmt.Errorf("nothing watched is called %q", name)
				}
				f.Watched |= bit
			}
		case "name":
			f.Name = value
		case "ours":
			f.Ours = true
		case "purpose":
			f.Purpose = value
		case "reason":
			f.Reason = reason.Code(value)
			if !reason.Known(f.Reason) {
				return fmt.Errorf("no reason is called %q", value)
			}
		case "detail":
			f.Detail = value
		default:
			return fmt.Errorf("unknown word %q", w)
		}
	}
	return nil
}

func (p *parser) time(word string) (time.Time, error) {
	s, err := strconv.ParseFloat(word, 64)
	return p.start.Add(time.Duration(s * 1e9).Round(time.Microsecond)), err
}

func (p *parser) fact(words []string) (err error) {
	if len(words) < 3 {
		return errors.New("want: SECONDS SIDE KIND …")
	}
	var x fact.Fact
	if x.At, err = p.time(words[0]); err != nil {
		return err
	}
	switch words[1] {
	case "client":
		x.Side = fact.SideClient
	case "server":
		x.Side = fact.SideServer
	case "-":
	default:
		return fmt.Errorf("side %q: want client, server or -", words[1])
	}
	var known bool
	if x.Kind, known = fact.KindNamed(words[2]); !known {
		return fmt.Errorf("no kind is called %q", words[2])
	}
	for _, w := range words[3:] {
		if err := value(&x, w); err != nil {
			return err
		}
	}
	switch {
	case p.around:
		p.c.Facts = append(p.c.Facts, x)
	case p.flow != nil:
		x.Conn = p.flow.Conn
		p.flow.Facts = append(p.flow.Facts, x)
	default:
		return errors.New("a fact before the first flow")
	}
	return nil
}

func value(x *fact.Fact, word string) (err error) {
	key, value, _ := strings.Cut(word, "=")
	switch key {
	case "code":
		var n int64
		n, err = strconv.ParseInt(value, 0, 64)
		x.Code = int(n)
	case "size":
		if x.Size, err = strconv.ParseInt(value, 10, 64); err != nil {
			var d time.Duration
			d, err = time.ParseDuration(value)
			x.Size = int64(d)
		}
	case "frame":
		x.Frame, err = strconv.ParseInt(value, 10, 64)
	case "text":
		x.Text = value
	case "detail":
		if x.Detail = fact.NewDetail(x.Kind); x.Detail == nil {
			return fmt.Errorf("%s has no detail", x.Kind)
		}
		d := json.NewDecoder(strings.NewReader(value))
		d.DisallowUnknownFields()
		err = d.Decode(x.Detail)
	default:
		err = fmt.Errorf("unknown word %q", word)
	}
	return err
}

// split cuts a line into words; a value may be quoted, and a detail takes the rest.
func split(line string) ([]string, error) {
	var out []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		if strings.HasPrefix(line, "detail={") {
			return append(out, line), nil
		}
		key, rest, quoted := strings.Cut(line, `="`)
		if quoted && !strings.ContainsAny(key, " \t") {
			text, err := strconv.QuotedPrefix(`"` + rest)
			if err != nil {
				return nil, err
			}
			value, err := strconv.Unquote(text)
			if err != nil {
				return nil, err
			}
			out, line = append(out, key+"="+value), line[len(key)+1+len(text):]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		out, line = append(out, word), rest
	}
	return out, nil
}
