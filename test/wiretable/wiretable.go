// Package wiretable reads tables of raw HTTP/1.1 messages with the verdict that each must get: those beside
// internal/httpwire, which its own tests run through the parser and others replay against real origins.
//
// A table is text. "#" begins a comment line. Each case is
//
//	= name | section of the RFC that decides | accept            or: refuse http1.bad_cl
//	"GET / HTTP/1.1\r\n"                 raw bytes as Go strings, one after the other;
//	"Cookie: " "a"*20000 "\r\n\r\n"      "x"*n stands for n times x
//	> path "/"                           what the reading must show: a key, and a value, quoted or bare
package wiretable

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Case is one row.
type Case struct {
	Line   int    // of its first line in the table
	Name   string // unique in the table
	RFC    string // e.g. "RFC 9112 3.2"
	Refuse string // reason code, "" for a message that must be accepted
	Raw    []byte
	Wants  []Want
}

// Want is one thing that the reading must show.
type Want struct{ Key, Value string }

// Want returns the value of the first want called key, or otherwise.
func (c *Case) Want(key, otherwise string) string {
	for _, w := range c.Wants {
		if w.Key == key {
			return w.Value
		}
	}
	return otherwise
}

// maxRepeat bounds "x"*n.
const maxRepeat = 1 << 20

// Read reads the table in the file called name.
func Read(name string) ([]Case, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read table: %w", err)
	}
	var cases []Case
	seen := map[string]bool{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '=' {
			c, err := head(line[1:])
			if err == nil && seen[c.Name] {
				err = fmt.Errorf("a case of this name stands above")
			}
			if err != nil {
				return nil, fmt.Errorf("read table %s:%d: %w", name, number, err)
			}
			seen[c.Name], c.Line = true, number
			cases = append(cases, c)
			continue
		}
		if len(cases) == 0 {
			return nil, fmt.Errorf("read table %s:%d: no case begins before this line", name, number)
		}
		if err := cases[len(cases)-1].add(line); err != nil {
			return nil, fmt.Errorf("read table %s:%d: %w", name, number, err)
		}
	}
	return cases, nil
}

func head(line string) (Case, error) {
	parts := strings.Split(line, "|")
	if len(parts) != 3 {
		return Case{}, fmt.Errorf("want name | section | verdict")
	}
	verdict, code, _ := strings.Cut(strings.TrimSpace(parts[2]), " ")
	c := Case{Name: strings.TrimSpace(parts[0]), RFC: strings.TrimSpace(parts[1]), Refuse: code}
	if !strings.HasPrefix(c.RFC, "RFC ") || (verdict != "accept" || code != "") && (verdict != "refuse" || code == "") {
		return Case{}, fmt.Errorf("want an RFC's section, and accept or refuse code")
	}
	return c, nil
}

func (c *Case) add(line string) error {
	if line[0] == '>' {
		key, value, _ := strings.Cut(strings.TrimSpace(line[1:]), " ")
		value = strings.TrimSpace(value)
		if strings.HasPrefix(value, `"`) {
			unquoted, err := strconv.Unquote(value)
			if err != nil {
				return fmt.Errorf("value of %s: %w", key, err)
			}
			value = unquoted
		}
		c.Wants = append(c.Wants, Want{key, value})
		return nil
	}
	for line != "" {
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return fmt.Errorf("want Go strings: %w", err)
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return fmt.Errorf("want Go strings: %w", err)
		}
		times := 1
		if line = line[len(quoted):]; strings.HasPrefix(line, "*") {
			digits, rest, _ := strings.Cut(line[1:], " ")
			if times, err = strconv.Atoi(digits); err != nil || times < 0 || times > maxRepeat {
				return fmt.Errorf("want a count up to %d behind *", maxRepeat)
			}
			line = rest
		}
		c.Raw = append(c.Raw, strings.Repeat(text, times)...)
		line = strings.TrimSpace(line)
	}
	return nil
}
