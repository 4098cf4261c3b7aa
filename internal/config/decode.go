package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// decoder fills a Config from nodes and notes every fault and where each value stands.
type decoder struct {
	dir     string // relative paths start here
	root    *object
	places  map[string]place // key path to its value; of a mapping or list, its key
	refused map[string]bool  // paths whose values could not be read
	meant   map[string]bool  // paths that an unknown key beside them may stand for
	nodes   int
	enough  func() bool // so many faults that no more are wanted
	report  func(sev Severity, at place, key string, p *problem)
	secret  func(line int, text string)
}

// fault refuses the value at key.
func (d *decoder) fault(at place, key string, p *problem) {
	d.refused[key] = true
	d.report(Error, at, key, p)
}

// spend counts a value against the budget.
func (d *decoder) spend() bool {
	d.nodes++
	return d.nodes <= maxNodes
}

// setDefaults gives v, a struct, what its tags state.
func (d *decoder) setDefaults(v reflect.Value, o *object) {
	for i := range o.fields {
		f := &o.fields[i]
		switch {
		case f.inherit:
		case f.hasDef && f.shape == list:
			to := v.FieldByIndex(f.index)
			for _, s := range f.defaults() {
				to.Set(reflect.Append(to, d.literal(f, s)))
			}
		case f.hasDef:
			v.FieldByIndex(f.index).Set(d.literal(f, f.def))
		case f.object != nil && f.shape == single && !f.pointer:
			d.setDefaults(v.FieldByIndex(f.index), f.object)
		}
	}
}

func (d *decoder) literal(f *field, s string) reflect.Value {
	v, p := f.kind.parse(d, s)
	if p != nil {
		panic("config: default of " + f.key + ": " + p.message)
	}
	return reflect.ValueOf(v)
}

// object fills v from n. overlay: v holds values already that stay where n states none.
func (d *decoder) object(n *node, v reflect.Value, o *object, path string, overlay bool) {
	if n.form != mapping {
		d.fault(n.place, path, wrong(o.mappingHint(d, n), "must be a mapping, not %s", n.what()))
		return
	}
	d.unknownKeys(n, o, path)
	for i := range o.fields { // in the order of the structs: routes inherit from what stands before them
		f := &o.fields[i]
		at := join(path, f.key)
		p := n.find(f.key)
		switch {
		case p != nil && d.spend():
			d.places[at] = p.value.place
			if p.value.form == mapping || p.value.form == sequence || p.value.form == empty {
				d.places[at] = p.key.place
			}
			d.field(p, v, f, at, overlay)
		case p == nil && f.need && !overlay && !d.meant[at]:
			hint := f.doc
			if path == "" {
				hint += " lunette check --example prints a file to begin with."
			}
			d.report(Error, d.place(path, n.place), path, wrong(hint, "key %s is missing", quote(f.key)))
		}
	}
}

// unknownKeys reports the keys of n that o does not have, and notes which ones they may stand for.
func (d *decoder) unknownKeys(n *node, o *object, path string) {
	for _, p := range n.pairs {
		if o.field(p.key.text) != nil || d.enough() {
			continue
		}
		ours, hint := o.meant(p.key.text)
		if ours == "" {
			hint = keyHint(d.root, o, p.key.text)
		} else {
			d.meant[join(path, ours)] = true
		}
		d.report(Error, p.key.place, path, wrong(hint, "unknown key %s", quote(p.key.text)))
	}
}

func (n *node) find(key string) *pair {
	for i := range n.pairs {
		if n.pairs[i].key.text == key {
			return &n.pairs[i]
		}
	}
	return nil
}

func (d *decoder) field(p *pair, parent reflect.Value, f *field, path string, overlay bool) {
	v := parent.FieldByIndex(f.index)
	if p.value.form == broken {
		d.refused[path] = true
		return
	}
	if p.value.form == empty {
		d.fault(p.key.place, path, wrong("leave the key out to get its default", "has no value"))
		return
	}
	switch {
	case f.shape == list:
		d.list(p.value, parent, v, f, path)
	case f.shape == byStatus:
		d.statuses(p.value, v, f, path)
	case f.pointer:
		v.Set(reflect.New(f.elem))
		d.setDefaults(v.Elem(), f.object)
		d.object(p.value, v.Elem(), f.object, path, false)
	case f.object != nil:
		d.object(p.value, v, f.object, path, overlay || f.inherit)
	default:
		d.scalar(p.value, v, f, path)
	}
}

func (d *decoder) list(n *node, parent, v reflect.Value, f *field, path string) {
	items := n.items
	if n.form != sequence {
		if !f.one {
			d.fault(n.place, path, wrong(f.listHint(d, n), "must be a list, not %s", n.what()))
			return
		}
		items = []*node{n}
	}
	if least, _ := strconv.Atoi(f.min); f.need && len(items) < least {
		d.fault(d.place(path, n.place), path, wrong(f.doc, "must hold at least %d", least))
	}
	v.SetZero()
	for i, item := range items {
		if item.form == broken || !d.spend() {
			continue
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		d.places[at] = item.place
		to := reflect.New(f.elem).Elem()
		if f.object != nil {
			d.setDefaults(to, f.object)
			inheritFrom(parent, to, f.object)
			d.object(item, to, f.object, at, false)
		} else {
			d.scalar(item, to, f, at)
		}
		v.Set(reflect.Append(v, to))
	}
}

// inheritFrom copies what to inherits from the fields of the same name of parent.
func inheritFrom(parent, to reflect.Value, o *object) {
	for i := range o.fields {
		if f := &o.fields[i]; f.inherit && len(f.index) == 1 {
			name := to.Type().FieldByIndex(f.index).Name
			to.FieldByIndex(f.index).Set(parent.FieldByName(name))
		}
	}
}

func (d *decoder) statuses(n *node, v reflect.Value, f *field, path string) {
	if n.form != mapping {
		d.fault(n.place, path, wrong("write {502: …}", "must be a mapping from status, not %s", n.what()))
		return
	}
	least, _ := strconv.Atoi(f.min)
	most, _ := strconv.Atoi(f.max)
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range n.pairs {
		status, err := strconv.Atoi(p.key.text)
		if err != nil || status < least || status > most || !d.spend() {
			d.fault(p.key.place, path, wrong("", "key must be a status from %d to %d, not %s", least, most, p.key.what()))
			continue
		}
		at := fmt.Sprintf("%s.%d", path, status)
		d.places[at] = p.value.place
		to := reflect.New(f.elem).Elem()
		d.scalar(p.value, to, f, at)
		v.SetMapIndex(reflect.ValueOf(status), to)
	}
}

func (d *decoder) scalar(n *node, v reflect.Value, f *field, path string) {
	if n.form == broken {
		d.refused[path] = true
		return
	}
	if f.secret {
		d.secret(n.place.line, n.text)
	}
	if p := mistyped(n, f); p != nil {
		d.fault(n.place, path, p)
		return
	}
	value, p := f.kind.parse(d, n.text)
	if p == nil {
		p = outside(n.text, f)
	}
	if p != nil {
		d.fault(n.place, path, p)
		return
	}
	v.Set(reflect.ValueOf(value))
}

// place returns where path stands, or else the nearest key above it, or else otherwise.
func (d *decoder) place(path string, otherwise place) place {
	if at, ok := placeIn(d.places, path); ok {
		return at
	}
	return otherwise
}

// placeIn finds path, or else the nearest key above it.
func placeIn(places map[string]place, path string) (place, bool) {
	for path != "" {
		if at, ok := places[path]; ok {
			return at, true
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return place{}, false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
