package operator

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// memory is Files that a test holds.
type memory map[string]string

func (m memory) Read(name string) ([]byte, error) {
	text, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (m memory) Glob(string) ([]string, error) { return nil, nil }

// byName finds an operator however its letters are written: the data files spell some in lower case.
func byName(name string) (seclang.OperatorID, bool) {
	for id := range seclang.Operators {
		if strings.EqualFold(id.String(), name) {
			return id, true
		}
	}
	return 0, false
}

// moduleDir is where the sources of a module lie.
func moduleDir(t testing.TB, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatalf("find module %s: %v", module, err)
	}
	return strings.TrimSpace(string(out))
}

// TestReference runs the operator tests that ModSecurity and Coraza share, those of operators that Coraza lacks too.
func TestReference(t *testing.T) {
	dir := filepath.Join(moduleDir(t, "github.com/corazawaf/coraza/v3"), "internal", "operators", "testdata")
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no test data in %s: %v", dir, err)
	}
	ran := 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			Input, Param, Name string
			Ret                int
		}
		if err := json.Unmarshal(text, &cases); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range cases {
			id, ok := byName(c.Name)
			if !ok || id == seclang.OpRx || id == seclang.OpPm || id == seclang.OpPmFromFile || id == seclang.OpValidateSchema {
				continue
			}
			input, param := unescape(c.Input), unescape(c.Param)
			op, err := New(memory{}, "", id, param)
			if err != nil && id == seclang.OpIpMatch && param == "10.0.0.0/100" {
				continue // refused, where others ignore it: TestDifferences
			}
			if err != nil {
				t.Errorf("%s(%q): %v", c.Name, param, err)
				continue
			}
			if got := op.Match(input, nil); got != (c.Ret == 1) {
				t.Errorf("%s(%q, %q) = %v", c.Name, param, input, got)
			}
			ran++
		}
	}
	if ran < 200 {
		t.Errorf("only %d cases ran", ran)
	}
}

// unescape undoes what the data files escape besides JSON.
func unescape(s string) string {
	s = strings.NewReplacer(`\u0000`, "\x00", `\0def`, "\x00def").Replace(s)
	if strings.Contains(s, `\x`) {
		if u, err := strconv.Unquote(`"` + s + `"`); err == nil {
			return u
		}
	}
	return s
}

func TestNewFaults(t *testing.T) {
	for _, c := range []struct {
		id       seclang.OperatorID
		argument string
		want     string
	}{
		{seclang.OpGeoLookup, "", "build @geoLookup: no geo database configured"},
		{seclang.OpRbl, "sbl.example", "build @rbl: a DNS question from a rule holds the request up until an answer comes: not supported; " +
			"fetch the list into a file and use @ipMatchFromFile"},
		{seclang.OpInspectFile, "/bin/true", "build @inspectFile: a rule must not start programs: not supported"},
		{seclang.OpIpMatch, "192.0.2.1, localhost", `build @ipMatch: read address "localhost": neither an address nor a network such as 192.0.2.0/24`},
		{seclang.OpIpMatchFromFile, "none.txt", "build @ipMatchFromFile: read file rules/none.txt: file does not exist"},
		{seclang.OpValidateByteRange, "1-256", `build @validateByteRange: read byte "1-256": not a number from 0 to 255`},
		{seclang.OpValidateByteRange, "9-1", `build @validateByteRange: read range "9-1": its end lies before its start`},
		{seclang.OpValidateByteRange, "1,,2", `build @validateByteRange: read byte "": not a number from 0 to 255`},
		{seclang.OpValidateNid, "de .*", `build @validateNid: read country "de": cl and us are known`},
		{seclang.OpValidateNid, "cl", "build @validateNid: a country (cl, us) and an expression are to be given"},
		{seclang.OpVerifyCC, "(", "build @verifyCC: read expression \"(\": error parsing regexp: missing closing ): `(`"},
		{seclang.OpRx, "a", "build @rx: a pattern is not built here"},
	} {
		_, err := New(memory{}, "rules", c.id, c.argument)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v %q: %v\nwant %s", c.id, c.argument, err, c.want)
		}
	}
	if _, err := New(memory{}, "rules", seclang.OpIpMatchFromFile, "none.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the cause is lost: %v", err)
	}
}

// TestEveryOperator sees that no operator of the language was forgotten.
func TestEveryOperator(t *testing.T) {
	for id := range seclang.Operators {
		_, err := New(memory{}, "", id, "")
		if err != nil && strings.Contains(err.Error(), "unknown") {
			t.Error(err)
		}
	}
}

func TestWords(t *testing.T) {
	if d := cmp.Diff([]string{"select", "\xc3\x89t\xff", "b#c"}, Words(" SELECT  \xc3\x89T\xff\tb#c ")); d != "" {
		t.Errorf("of an argument (-want +got):\n%s", d)
	}
	text := "# comment\r\n\n  Two words # kept \r\n#x\n\t# too\nLAST"
	if d := cmp.Diff([]string{"two words # kept", "last"}, WordsOfFile([]byte(text))); d != "" {
		t.Errorf("of a file (-want +got):\n%s", d)
	}
}

func TestAddresses(t *testing.T) {
	files := memory{"rules/list.txt": "# bad people\n10.0.0.0/8\n\n2001:db8::/32, 192.0.2.7\n10.1.2.3\n"}
	file, err := New(files, "rules", seclang.OpIpMatchFromFile, "list.txt")
	if err != nil {
		t.Fatal(err)
	}
	absolute, err := New(memory{"/l": files["rules/list.txt"]}, "rules", seclang.OpIpMatchFromFile, path.Join("/", "l"))
	if err != nil {
		t.Fatal(err)
	}
	dataset, err := New(nil, "", seclang.OpIpMatchFromDataset, files["rules/list.txt"])
	if err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]bool{
		"10.0.0.0": true, "10.255.255.255": true, "11.0.0.0": false, "9.255.255.255": false, "10.1.2.4": true, "192.0.2.7": true,
		"192.0.2.8": false, "2001:db8::1": true, "2001:db9::": false, "::ffff:10.2.3.4": true, "": false, "10.1": false, "fe80::1%eth0": false,
		"zzz": false,
	} {
		for name, op := range map[string]Operator{"file": file, "absolute": absolute, "dataset": dataset} {
			if got := op.Match(value, nil); got != want {
				t.Errorf("%s %q: %v, want %v", name, value, got, want)
			}
		}
	}
}

func TestCaptures(t *testing.T) {
	for _, c := range []struct {
		id              seclang.OperatorID
		argument, value string
		want            []string
	}{
		{seclang.OpRestpath, "/u/{id}/{name}", "/x/u/7/ann?q", []string{"7", "ann"}},
		{seclang.OpRestpath, "/u/{id}/{name}", "/u/7", nil},
		{seclang.OpVerifyCC, `\d{13,16}`, "card 9994484070000035519", []string{"4484070000035519"}},
		{seclang.OpVerifyCC, `\d{16}`, "card 4484070000035518", nil},
		{seclang.OpVerifyCC, `\b\d{13,16}\b`, "card 4484070000035519.", []string{"4484070000035519"}},
		{seclang.OpVerifyCC, `^\d{16}`, "94484070000035519", nil},
		{seclang.OpVerifySSN, `\d{3}-?\d{2}-?\d{4}`, "a 574-57-8065", []string{"574-57-8065"}},
		{seclang.OpVerifyCPF, `[\d.-]{14}`, "010.817.514-60", []string{"010.817.514-60"}},
		{seclang.OpVerifyCPF, `[\d.-]{14}`, "111.111.111-11", nil},
		{seclang.OpValidateNid, `cl [\d.k-]{10,12}`, "11.111.111-1", []string{"11.111.111-1"}},
		{seclang.OpDetectSQLi, "", "1' or '1'='1", []string{"s&sos"}},
	} {
		op, err := New(nil, "", c.id, c.argument)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if matched := op.Match(c.value, &got); matched != (c.want != nil) {
			t.Errorf("%v %q on %q: %v", c.id, c.argument, c.value, matched)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%v %q on %q (-want +got):\n%s", c.id, c.argument, c.value, d)
		}
	}
	op, err := New(nil, "", seclang.OpRestpath, "/u/{id}/{name}")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"id", "name"}, op.(Named).Names()); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
}

// TestMisses sees that what does not match is not paid for.
func TestMisses(t *testing.T) {
	for id := range seclang.Operators {
		argument := map[seclang.OperatorID]string{
			seclang.OpIpMatch: "192.0.2.0/24", seclang.OpValidateByteRange: "32-126", seclang.OpRestpath: "/u/{id}", seclang.OpValidateNid: `us \d{9}`,
			seclang.OpVerifyCC: `\d{16}`, seclang.OpVerifySSN: `\d{9}`, seclang.OpVerifyCPF: `\d{11}`,
		}[id]
		if argument == "" {
			argument = "9000"
		}
		op, err := New(memory{}, "", id, argument)
		if err != nil {
			continue
		}
		const value = "an ordinary value"
		var captured []string
		least := 1.0
		for range 30 { // the scratch space of regexp is pooled, and pools forget on purpose under the race detector
			least = min(least, testing.AllocsPerRun(1, func() { op.Match(value, &captured) }))
		}
		if least > 0 {
			t.Errorf("%v: each call allocates", id)
		}
	}
}
