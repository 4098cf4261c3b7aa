package seclang

import (
	"cmp"
	"maps"
	"math"
	"path"
	"slices"
	"strings"
)

// Bounds of what is read.
const (
	maxFile       = 16 << 20 // bytes of one file
	maxTotal      = 64 << 20 // bytes of all files
	maxFiles      = 1000     // files, each counted as often as it is included
	maxDepth      = 20       // Includes within one another
	maxLine       = 1 << 20  // bytes of one directive
	maxDirectives = 200_000
	maxFaults     = 200
	maxSource     = 4 << 10 // bytes of Directive.Source
)

// Parse reads the files called names, in this order, and what they include. Faults are all that were found, in the order of
// the files; with faults the directives are those that could be read whole. A chain or a skipAfter may reach from one file into the next.
func Parse(files Files, names []string) ([]Directive, []Fault) {
	list, faults := ParseBeside(files, names, Surroundings{})
	return whole(list), faults
}

// Surroundings are rules that were read by themselves and are put together with those that ParseBeside reads.
type Surroundings struct {
	IDs     map[int]Position // ids that are taken, and by whom
	Markers []string         // names of SecMarkers that come behind what is read
	Refused map[string]bool  // directives that the caller refuses by their names, whatever they say: their words are not judged
}

// SurroundingsOf gives the ids and markers of directives that Parse returned.
func SurroundingsOf(directives []Directive) Surroundings {
	s := Surroundings{IDs: map[int]Position{}}
	for _, d := range directives {
		if d.Name == "SecMarker" {
			s.Markers = append(s.Markers, d.Args[0].Text)
		}
		if id := d.ID(); id != 0 {
			s.IDs[id] = d.Position
		}
	}
	return s
}

// ParseBeside is Parse for files that are only a part of the rules: an id may not be one of around, a skipAfter may go to one of its markers.
// With faults the directives that could be read in part are there too, see [Directive].Gap, for who looks for more faults in them.
func ParseBeside(files Files, names []string, around Surroundings) ([]Directive, []Fault) {
	p := newParser(files)
	p.refused = around.Refused
	maps.Copy(p.ids, around.IDs)
	for _, name := range around.Markers {
		p.markers[name] = math.MaxInt // behind every step
	}
	for _, name := range names {
		p.file(name, func(text, hint string) {
			p.faultAt(nil, Position{File: name}, text, hint)
			p.lose(Position{File: name}, "Include")
		})
	}
	return p.finish()
}

// ParseText reads text as if it stood in a file called name.
func ParseText(files Files, name, text string) ([]Directive, []Fault) {
	p := newParser(files)
	p.text(name, text)
	list, faults := p.finish()
	return whole(list), faults
}

// parser is the state of one Parse.
type parser struct {
	files Files
	specs map[string]directiveSpec // by the name in lower case

	stack  []*source // the files that are being read, each included by the one before it
	read   int       // files
	bytes  int
	toMany bool // a bound was reached: nothing more is read

	out    []Directive
	faults []ordered
	step   int // counts directives, faulty ones too: the order of faults

	refused map[string]bool
	gap     Gap    // of the directive that is being read
	torn    int    // the step of a directive that is cut off: lines behind it may belong to it
	ended   unread // the rule that ended too early
	blind   bool   // a marker may stand in what could not be read
	unsure  bool   // the next rule may continue a chain that could not be read

	chain   *openChain // the rule whose follower comes next
	ids     map[int]Position
	defFor  map[int]Position // by phase: where its SecDefaultAction stands
	markers map[string]int   // the step of the last one of this name
	skips   []skip
}

// source is a file that is being read.
type source struct {
	name, text string
	starts     []int // of each line; filled when a fault asks
}

// ordered is a fault with the step that it belongs to.
type ordered struct {
	Fault
	step int
}

// openChain is a rule with a chain action, until its follower comes.
type openChain struct {
	id   int // of the first rule of the chain
	at   Position
	from *source
	step int
}

// skip is a skipAfter, to be looked at when all markers are known.
type skip struct {
	marker string
	at     Position
	from   *source
	step   int
	rule   int
}

func newParser(files Files) *parser {
	p := &parser{
		files: files, specs: map[string]directiveSpec{},
		ids: map[int]Position{}, defFor: map[int]Position{}, markers: map[string]int{},
	}
	for _, s := range directiveSpecs() {
		p.specs[strings.ToLower(s.name)] = s
	}
	return p
}

// finish looks at what needs all files, and puts the faults in order.
func (p *parser) finish() ([]Directive, []Fault) {
	p.endChain("the file ends there")
	for _, s := range p.skips {
		last, ok := p.markers[s.marker]
		if ok && last > s.step || p.blind {
			continue
		}
		text, hint := "no SecMarker "+quote(s.marker)+" follows", "it stands before this rule: a skipAfter only goes forward"
		if !ok {
			names := make([]string, 0, len(p.markers))
			for name := range p.markers {
				names = append(names, name)
			}
			slices.Sort(names)
			if hint = didYouMean(s.marker, "", names); hint == "" {
				hint = "write SecMarker " + quote(s.marker) + " behind the rules to skip"
			}
		}
		p.step = s.step
		p.addFault(s.from, Fault{Position: s.at, Rule: s.rule, Text: text, Hint: hint})
	}
	slices.SortStableFunc(p.faults, func(a, b ordered) int {
		return cmp.Or(a.step-b.step, strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
	})
	var out []Fault
	for i, f := range p.faults {
		if i == maxFaults {
			out = append(out, Fault{Position: f.Position, Text: "more faults follow that are not listed", Hint: "mend these first"})
			break
		}
		out = append(out, f.Fault)
	}
	return p.out, out
}

// file reads the file called name; fail says why it cannot be read.
func (p *parser) file(name string, fail func(text, hint string)) {
	if p.toMany {
		return
	}
	if circle := p.circle(name); circle != "" {
		fail("files include one another in a circle: "+circle, "take one of these Includes out")
		return
	}
	p.read++
	if len(p.stack) > maxDepth || p.read > maxFiles {
		p.toMany = p.read > maxFiles
		fail("more than 20 Includes within one another, or 1000 files", "put rules that belong together into one file")
		return
	}
	b, err := p.files.Read(name)
	if err != nil {
		fail("read "+quote(name)+": "+printable(err.Error()), "")
		return
	}
	if p.bytes += len(b); len(b) > maxFile || p.bytes > maxTotal {
		p.toMany = p.bytes > maxTotal
		fail("read "+quote(name)+": a file of rules has at most 16 MiB, all together 64 MiB", "")
		return
	}
	p.text(name, string(b))
}

// circle names the files from name back to name, "" where it is not being read.
func (p *parser) circle(name string) string {
	for i, s := range p.stack {
		if s.name != name {
			continue
		}
		var b strings.Builder
		for _, s := range p.stack[i:] {
			b.WriteString(s.name + " → ")
		}
		return b.String() + name
	}
	return ""
}

// include reads the files that an Include names.
func (p *parser) include(d *Directive, w word, l *line) {
	fail := func(text, hint string) {
		p.fault(l, w.from, text, hint)
		p.lose(d.Position, "Include")
	}
	name := resolve(d.File, d.Args[0].Text)
	if !strings.ContainsAny(name, "*?[") {
		p.file(name, fail)
		return
	}
	names, err := p.files.Glob(name)
	if err != nil {
		fail("look for "+quote(name)+": "+printable(err.Error()), "")
		return
	}
	for _, name := range names {
		p.file(name, fail)
	}
}

// resolve joins a name to the folder of the file that names it. Names with @ are those of the rule sets that are built in.
func resolve(from, name string) string {
	rooted := strings.HasPrefix(name, "/") || strings.HasPrefix(name, "@") || strings.HasPrefix(name, `\`) || len(name) > 1 && name[1] == ':'
	if rooted {
		return name
	}
	return path.Join(path.Dir(strings.ReplaceAll(from, `\`, "/")), name)
}

// fault notes what is wrong at an offset of a line of the file that is being read.
func (p *parser) fault(l *line, offset int, text, hint string) {
	p.faultAt(p.source(), l.at(offset), text, hint)
}

func (p *parser) faultAt(from *source, at Position, text, hint string) {
	p.addFault(from, Fault{Position: at, Text: text, Hint: hint})
}

func (p *parser) addFault(from *source, f Fault) {
	if len(p.faults) > 4*maxFaults { // more than are listed, so that the order of those that are is right
		return
	}
	f.Text, f.Hint = sentence(f.Text), sentence(f.Hint)
	if from != nil {
		f.Source = Excerpt(from.line(f.Line), f.Column)
	}
	p.faults = append(p.faults, ordered{f, p.step})
}

// source is the file that is being read.
func (p *parser) source() *source {
	if len(p.stack) == 0 {
		return nil
	}
	return p.stack[len(p.stack)-1]
}

// line gives the n-th line, from 1, up to a NUL byte: what is behind it is no text that anybody wrote.
func (s *source) line(n int) string {
	if s.starts == nil {
		s.starts = append(s.starts, 0)
		for i := range len(s.text) {
			if s.text[i] == '\n' {
				s.starts = append(s.starts, i+1)
			}
		}
	}
	if n < 1 || n > len(s.starts) {
		return ""
	}
	line, _, _ := strings.Cut(s.text[s.starts[n-1]:], "\n")
	line, _, _ = strings.Cut(line, "\x00")
	return line
}
