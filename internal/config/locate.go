package config

// located is what a Config keeps of its file, to say where a value stands.
type located struct {
	name   string // of the file, as it was given
	source *source
	at     map[string]place // by key path
	root   place
}

// find returns where key stands, else the nearest key above it, else the begin of the file.
func (l *located) find(key string) place {
	if at, ok := placeIn(l.at, key); ok {
		return at
	}
	return l.root
}

// Place returns where the value of key, such as listen[1].address or sites[0].waf.rules[2], stands in the file: line and
// column, from 1. For a key that the file does not state (a default, or what a route has from its site) it is the
// place of the nearest key above it. 0, 0 for a Config that was not made by Load or Parse.
func (c *Config) Place(key string) (line, column int) {
	if c.located == nil {
		return 0, 0
	}
	at := c.located.find(key)
	return at.line, c.located.source.skipBlank(at.line, at.column)
}

// Fault makes an error of something that shows only when the parts are built, such as a port that is in use: it stands
// at the value of key, as Place finds it, and prints like the faults of Load. message says what is wrong, without a
// full stop; hint what to do, or "".
func (c *Config) Fault(key, message, hint string) Fault {
	if c.located == nil {
		return Fault{Severity: Error, File: c.File, Key: key, Message: message, Hint: hint}
	}
	at := c.located.find(key)
	f := Fault{
		Severity: Error, File: c.located.name, Line: at.line, Column: at.column, Width: at.width,
		Key: key, Message: message, Hint: hint,
	}
	f.locate(c.located.source)
	return f
}
