package cli

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/finding"
)

// TestDoctorDocumented holds that docs/formats/doctor.md names every field of the document.
func TestDoctorDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/formats/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() || typ == reflect.TypeFor[finding.Finding]() {
			return
		}
		for f := range typ.Fields() {
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); !strings.Contains(string(page), "`"+name+"`") {
				t.Errorf("field %q of %s is not there", name, typ)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[doctorDoc]())
}
