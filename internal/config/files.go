package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"time"
)

// Files lists every file that the configuration depends on, its own first, the rest sorted: certificates, keys,
// authorities, revocation lists, rules, error pages, the token. Absolute paths, each once. A change of one of them is a reason to load again.
func (c *Config) Files() []string {
	seen := map[string]bool{}
	eachFile(reflect.ValueOf(c).Elem(), objectOf(reflect.TypeFor[Config]()), "", func(_, file string) {
		seen[file] = true
	})
	delete(seen, c.File)
	out := slices.Sorted(maps.Keys(seen))
	if c.File != "" {
		out = append([]string{c.File}, out...)
	}
	return out
}

// Named is [Config.Files] of the file at path though it is at fault, as far as it can be read: a change of one of them may mend it.
func Named(path string) []string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	data, p := readBounded(abs, maxFile)
	if p != nil {
		return []string{abs}
	}
	cfg, _ := parse(path, filepath.Dir(abs), data, time.Now())
	if cfg == nil {
		return []string{abs}
	}
	cfg.File = abs
	return cfg.Files()
}

// eachFile visits every value of kind file below v, with its path as in faults.
func eachFile(v reflect.Value, o *object, path string, visit func(path, file string)) {
	for i := range o.fields {
		f := &o.fields[i]
		if f.object == nil && f.kind.name != "file" {
			continue
		}
		fv, at := v.FieldByIndex(f.index), join(path, f.key)
		switch {
		case f.shape == list:
			for j := range fv.Len() {
				fileOrBelow(fv.Index(j), f, fmt.Sprintf("%s[%d]", at, j), visit)
			}
		case f.shape == byStatus:
			for _, k := range fv.MapKeys() {
				fileOrBelow(fv.MapIndex(k), f, fmt.Sprintf("%s.%d", at, k.Int()), visit)
			}
		case f.pointer && fv.IsNil():
		default:
			fileOrBelow(reflect.Indirect(fv), f, at, visit)
		}
	}
}

func fileOrBelow(v reflect.Value, f *field, path string, visit func(path, file string)) {
	if f.object != nil {
		eachFile(v, f.object, path, visit)
	} else if s := v.String(); s != "" {
		visit(path, s)
	}
}
