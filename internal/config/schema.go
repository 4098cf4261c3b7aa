package config

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
)

// Schema returns the JSON Schema (draft 2020-12) of a configuration file. In an editor that runs yaml-language-server
// it is used by a first line of "# yaml-language-server: $schema=lunette.schema.json".
func Schema() []byte {
	defs := map[string]any{}
	root := objectSchema(objectOf(reflect.TypeFor[Config]()), false, defs)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Lunette configuration"
	root["$defs"] = defs
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // maps of strings, numbers and booleans
	}
	return out.Bytes()
}

type schema = map[string]any

// objectSchema describes o. Where its values come from a site (part), no key is needed and no default holds.
func objectSchema(o *object, part bool, defs schema) schema {
	properties := schema{}
	var required []string
	for i := range o.fields {
		f := &o.fields[i]
		s := fieldSchema(f, part, defs)
		s["description"] = f.describe()
		if f.hasDef && !part {
			s["default"] = f.defaultValue()
		}
		properties[f.key] = s
		if f.need && !part {
			required = append(required, f.key)
		}
	}
	out := schema{"type": "object", "description": o.doc, "additionalProperties": false, "properties": properties}
	if required != nil {
		out["required"] = required
	}
	return out
}

func fieldSchema(f *field, part bool, defs schema) schema {
	var item schema
	if f.object != nil {
		part = (part || f.inherit) && f.shape == single && !f.pointer
		item = schema{"$ref": "#/$defs/" + define(f.object, part, defs)}
	} else {
		item = scalarSchema(f)
	}
	switch f.shape {
	case list:
		out := schema{"type": "array", "items": item}
		if least, err := strconv.Atoi(f.min); err == nil {
			out["minItems"] = least
		}
		if f.one {
			return schema{"anyOf": []any{item, out}}
		}
		return out
	case byStatus:
		return schema{"type": "object", "additionalProperties": false,
			"patternProperties": schema{"^[" + f.min[:1] + "-" + f.max[:1] + "][0-9][0-9]$": item}}
	}
	return item
}

// define puts the schema of o under its name and returns the name.
func define(o *object, part bool, defs schema) string {
	name := o.name
	if part {
		name += "Part"
	}
	if _, ok := defs[name]; !ok {
		defs[name] = nil // for objects that hold themselves
		defs[name] = objectSchema(o, part, defs)
	}
	return name
}

func scalarSchema(f *field) schema {
	out := schema{"type": f.kind.types[0]}
	if len(f.kind.types) > 1 {
		out["type"] = f.kind.types
	}
	if f.kind.pattern != "" {
		out["pattern"] = f.kind.pattern
	}
	switch {
	case f.kind.name == "group":
		out["enum"] = groupNames()
	case f.kind.name == "version":
		delete(out, "pattern")
		out["enum"] = []string{"1.0", "1.1", "1.2", "1.3"}
	case len(f.enum) > 0:
		out["enum"] = f.enum
	}
	if f.shape != single {
		return out
	}
	if f.kind.name == "int" {
		setNumber(out, "minimum", f.min)
		setNumber(out, "maximum", f.max)
	}
	if f.kind.name == "text" {
		out["minLength"] = 1
		setNumber(out, "minLength", f.min)
	}
	return out
}

func setNumber(s schema, key, text string) {
	if n, err := strconv.Atoi(text); err == nil {
		s[key] = n
	}
}

// describe is the key's meaning with what the schema language cannot say.
func (f *field) describe() string {
	out := f.doc
	if f.kind != nil && f.shape == single && (f.kind.name == "duration" || f.kind.name == "size") {
		if span := f.span(); span != "" {
			out += " Range: " + span + "."
		}
	}
	if f.absent != "" {
		out += " Default: " + f.absent + "."
	}
	return out
}

// defaults are the items of a list's default.
func (f *field) defaults() []string {
	items := strings.Split(strings.Trim(f.def, "[]"), ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// defaultValue is the default as JSON.
func (f *field) defaultValue() any {
	if f.shape == list {
		return f.defaults()
	}
	switch f.kind.types[0] {
	case "boolean":
		return f.def == "true"
	case "integer":
		n, _ := strconv.Atoi(f.def)
		return n
	}
	return f.def
}
