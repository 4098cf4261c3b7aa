package explain

import (
	"io"

	"github.com/lunette-waf/lunette/internal/finding"
)

type jsonComparison struct {
	Lunette  jsonFormat   `json:"lunette"`
	Normal   jsonTold     `json:"normal"`
	Abnormal jsonTold     `json:"abnormal"`
	Partial  bool         `json:"partial"`
	Matters  bool         `json:"matters"`
	First    *difference  `json:"first_difference"`
	Cause    finding.Code `json:"cause,omitempty"`
	Hellos   []difference `json:"hello_differences"`
	Measures []difference `json:"measures"`
	Lines    []jsonLine   `json:"lines"`
}

type jsonTold struct {
	File string    `json:"file"`
	Flow *jsonFlow `json:"flow"`
}

type jsonLine struct {
	Same     bool       `json:"same"`
	Normal   *jsonPoint `json:"normal"`
	Abnormal *jsonPoint `json:"abnormal"`
}

type jsonPoint struct {
	AtS   float64 `json:"at_s"`
	Frame int64   `json:"frame,omitempty"`
	Side  string  `json:"side,omitempty"`
	Kind  string  `json:"kind"`
	Text  string  `json:"text"`
}

// CompareJSON writes what Compare says as one document.
func CompareJSON(w io.Writer, abnormal, normal *Capture) error {
	c, ok := compare(abnormal, normal)
	if !ok {
		return errNoFlow
	}
	out := jsonComparison{Lunette: jsonFormat{"compare", formatVersion}, Normal: c.normal.json(), Abnormal: c.abnormal.json(), Partial: c.raw, Matters: c.matters > closing,
		Hellos: append([]difference{}, c.helloDifferences()...), Measures: append([]difference{}, c.measures()...), Lines: []jsonLine{}}
	if d, ok := c.firstDifference(); ok {
		out.First = &d
		if f := c.cause(); f != nil {
			out.Cause = f.Code
		}
	}
	for _, p := range c.lines {
		l := jsonLine{Normal: c.normal.point(p.b), Abnormal: c.abnormal.point(p.a)}
		l.Same = c.standing(p) == same
		out.Lines = append(out.Lines, l)
	}
	j := newJSONer(w)
	if err := j.value(out); err != nil {
		return err
	}
	j.w.put("\n")
	return j.w.done()
}

func (t *told) json() jsonTold {
	out := jsonTold{Flow: flowJSON(t.c, t.index, t.flow)}
	if len(t.c.Files) > 0 {
		out.File = t.c.Files[0].Name
	}
	return out
}

func (t *told) point(i int) *jsonPoint {
	if i < 0 {
		return nil
	}
	r := &t.rows[i]
	_, frame := t.c.frame(r.frame)
	return &jsonPoint{float64(r.at-t.flow.Start.At) / 1e9, frame, r.side.String(), r.kind.String(), joined("  ", r.name, r.more)}
}
