package config

import (
	"reflect"
	"strings"
)

// object is one mapping of the file, as the tags of a struct state it.
type object struct {
	name   string // of the Go type
	doc    string
	fields []field
}

// field is one key of a mapping.
type field struct {
	index           []int // of the struct field, for reflect.Value.FieldByIndex
	key, doc        string
	def, absent     string
	hasDef          bool
	min, max        string
	enum            []string
	need, one       bool
	inherit, secret bool
	pointer         bool // nil when the key is absent
	shape           shape
	kind            *kind   // of a scalar, of the items of a list, of the values of a map
	object          *object // instead of kind, where it is a mapping
	elem            reflect.Type
}

// shape is how a field's values stand in the file.
type shape uint8

const (
	single shape = iota
	list
	byStatus // mapping from HTTP status to value
)

// objectOf reads the tags of t. It panics on tags that make no sense: they are part of the program, and the tests run it.
func objectOf(t reflect.Type) *object {
	o := &object{name: t.Name()}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Name == "_" {
			o.doc = f.Tag.Get("doc")
			continue
		}
		if key := f.Tag.Get("key"); key != "" {
			o.fields = append(o.fields, fieldOf(t, f))
		}
	}
	return o
}

func fieldOf(t reflect.Type, sf reflect.StructField) field {
	tag, index := sf.Tag, sf.Index
	if like := tag.Get("like"); like != "" {
		sf, index = follow(t, like)
	}
	def, hasDef := tag.Lookup("default")
	f := field{
		index: index, key: tag.Get("key"), doc: tag.Get("doc"),
		def: def, hasDef: hasDef, absent: tag.Get("absent"), min: tag.Get("min"), max: tag.Get("max"),
		need: tag.Get("need") == "yes", one: tag.Get("one") == "yes",
		inherit: tag.Get("inherit") == "yes", secret: tag.Get("secret") == "yes",
		elem: sf.Type,
	}
	if e := tag.Get("enum"); e != "" {
		f.enum = strings.Split(e, "|")
	}
	switch sf.Type.Kind() {
	case reflect.Slice:
		f.shape, f.elem = list, sf.Type.Elem()
	case reflect.Map:
		f.shape, f.elem = byStatus, sf.Type.Elem()
	case reflect.Pointer:
		f.pointer, f.elem = true, sf.Type.Elem()
	}
	if f.kind = kindOf(tag.Get("is"), f.elem, len(f.enum) > 0); f.kind == nil {
		f.object = objectOf(f.elem)
	}
	return f
}

// follow finds the field that a like tag names, such as Origin.Timeouts.
func follow(t reflect.Type, like string) (sf reflect.StructField, index []int) {
	for name := range strings.SplitSeq(like, ".") {
		var ok bool
		if sf, ok = t.FieldByName(name); !ok {
			panic("config: no field " + like)
		}
		t, index = sf.Type, append(index, sf.Index...)
	}
	return sf, index
}

func (o *object) field(key string) *field {
	for i := range o.fields {
		if o.fields[i].key == key {
			return &o.fields[i]
		}
	}
	return nil
}

func (o *object) keys() []string {
	out := make([]string, len(o.fields))
	for i := range o.fields {
		out[i] = o.fields[i].key
	}
	return out
}

// walk calls visit for every field below o, parents first, with the dotted path to it.
func (o *object) walk(path string, visit func(path string, f *field)) {
	for i := range o.fields {
		f := &o.fields[i]
		visit(path+f.key, f)
		if f.object != nil {
			f.object.walk(path+f.key+".", visit)
		}
	}
}
