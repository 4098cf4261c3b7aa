package cli

import (
	"fmt"
	"os"
	"reflect"
	"slices"
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

// TestDoctorFlags: what would make another request, or cannot be done in the time, is wrong usage.
func TestDoctorFlags(t *testing.T) {
	for _, c := range []struct {
		what string
		d    doctorFlags
		want string
	}{
		{"a host", doctorFlags{header: []string{"host: other.test"}}, "writes this field itself"},
		{"a length", doctorFlags{header: []string{"Content-Length: 5"}}, "writes this field itself"},
		{"chunks", doctorFlags{header: []string{"Transfer-Encoding: chunked"}}, "writes this field itself"},
		{"idle for too long", doctorFlags{idle: time.Minute}, "--timeout 50s"},
		{"idle beyond the timeout", doctorFlags{idle: 5 * time.Second, budget: 5 * time.Second}, "--timeout 5s"},
		{"many paths", doctorFlags{paths: slices.Repeat([]string{"/"}, 9)}, "at most 8"},
		{"a name of its own", doctorFlags{header: []string{"User-Agent: curl/8.5.0"}, idle: 10 * time.Second}, ""},
	} {
		c.d.format = "text"
		_, err := c.d.config("https://shop.test/")
		if got := fmt.Sprint(err); (err == nil) != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
}
