package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
)

// formatVersion grows when a field of the JSON form changes its meaning; new fields do not count.
const formatVersion = 1

// jsoner writes JSON piece by piece, so that no whole document stands in memory.
type jsoner struct {
	w   sink
	buf bytes.Buffer
	enc *json.Encoder
}

func newJSONer(w io.Writer) *jsoner {
	j := &jsoner{w: newSink(w)}
	j.enc = json.NewEncoder(&j.buf)
	j.enc.SetEscapeHTML(false)
	return j
}

// value writes v on one line.
func (j *jsoner) value(v any) error {
	j.buf.Reset()
	if err := j.enc.Encode(v); err != nil {
		return fmt.Errorf("write json: %w", err)
	}
	j.escaped(bytes.TrimSuffix(j.buf.Bytes(), []byte("\n")))
	return nil
}

// escaped writes JSON with what must not reach a terminal as \u escapes, which mean the same.
func (j *jsoner) escaped(b []byte) {
	from := 0
	for i := 0; i < len(b); {
		if b[i] < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(b[i:])
		if !unicode.IsPrint(r) {
			j.w.bytes(b[from:i])
			for _, unit := range utf16.AppendRune(nil, r) {
				j.w.put(fmt.Sprintf(`\u%04x`, unit))
			}
			from = i + size
		}
		i += size
	}
	j.w.bytes(b[from:])
}

// JSON writes c as one document, docs/formats/explain.md says which. Times are UTC.
func JSON(w io.Writer, c *Capture) error {
	j := newJSONer(w)
	j.w.put(`{"lunette":`)
	if err := j.value(jsonFormat{"explain", formatVersion}); err != nil {
		return err
	}
	j.w.put(",\n\"files\":")
	if err := j.value(filesJSON(c)); err != nil {
		return err
	}
	j.w.put(",\n\"secrets\":")
	if err := j.value(secretsJSON(&c.Secrets)); err != nil {
		return err
	}
	j.w.put(",\n\"flows\":[")
	before := "\n"
	for i, f := range c.told {
		j.w.put(before)
		before = ",\n"
		if err := j.value(flowJSON(c, i, f)); err != nil {
			return err
		}
	}
	j.w.put("\n],\n\"totals\":")
	if err := j.value(totalsJSON(c)); err != nil {
		return err
	}
	j.w.put("}\n")
	return j.w.done()
}

// NDJSON writes each flow of c as a line, with the fields that it has in JSON.
func NDJSON(w io.Writer, c *Capture) error {
	j := newJSONer(w)
	for i, f := range c.told {
		if err := j.value(flowJSON(c, i, f)); err != nil {
			return err
		}
		j.w.put("\n")
	}
	return j.w.done()
}

func filesJSON(c *Capture) []jsonFile {
	out := []jsonFile{}
	for i := range c.Files {
		f := &c.Files[i]
		one := jsonFile{Name: f.Name, Format: f.Info.Format, Compressed: f.Info.Compressed, Links: []string{}, Application: f.Info.Application,
			Hardware: f.Info.Hardware, OS: f.Info.OS, Comments: f.Info.Comments, Packets: f.Packets, Dropped: f.Info.Dropped, Skipped: f.Info.Skipped}
		for _, in := range f.Info.Interfaces {
			one.Links = append(one.Links, linkName(in.Link))
		}
		if d := f.Damage; d != nil {
			one.Damage = &jsonDamage{d.Offset, d.What, d.Packets}
		}
		out = append(out, one)
	}
	return out
}

func secretsJSON(s *Secrets) jsonSecrets {
	return jsonSecrets{KeyLogs: append([]string{}, s.KeyLogs...), Keys: append([]string{}, s.Keys...), PSKs: s.PSKs, Inside: s.Inside}
}

func totalsJSON(c *Capture) jsonTotals {
	t := jsonTotals{Packets: c.Packets, Bytes: c.Bytes, Start: c.Start.Time(), End: c.End.Time(), Connections: c.Connections,
		FlowsOmitted: c.OmittedFlows, Warnings: append([]string{}, c.Warnings...)}
	for _, f := range c.told {
		t.Flows++
		t.Exchanges += len(f.Exchanges)
		if f.TLS == nil {
			continue
		}
		t.TLS++
		switch f.TLS.Why {
		case decrypt.WhyNot:
			t.Decrypted++
		case decrypt.WhyNoHandshake:
		default:
			t.NotDecrypted++
		}
	}
	return t
}
