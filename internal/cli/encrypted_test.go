package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/lunette-waf/lunette/test/captures"
)

// TestExplainEncrypted holds that explain opens what capture encrypted, read as a file and from standard input, several times where it must be,
// and says what it wants where it cannot.
func TestExplainEncrypted(t *testing.T) {
	c := captures.Find(t, "founding_02_abnormal_via_waf_504_tls10_rsa")
	plain, err := os.ReadFile(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, key.Recipient())
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	file, cut := write("x.pcapng.age", sealed.Bytes()), write("cut.age", sealed.Bytes()[:sealed.Len()/2])
	right, wrong := write("right", []byte(key.String()+"\n")), write("wrong", []byte(other.String()+"\n"))
	run := func(stdin io.Reader, args ...string) (int, string, string) {
		var out, fault bytes.Buffer
		cmd := explainCommand()
		cmd.SetArgs(append([]string{"--utc"}, args...))
		cmd.SetIn(stdin)
		cmd.SetOut(&out)
		cmd.SetErr(&fault)
		cmd.SilenceUsage = true
		if err := cmd.ExecuteContext(t.Context()); err != nil {
			return 1, out.String(), err.Error()
		}
		return 0, out.String(), fault.String()
	}
	keys := secretArgs(t, c.Name)
	_, want, _ := run(nil, append(keys, write("x.pcapng", plain))...)
	if code, got, said := run(nil, append(keys, "--identity", right, file)...); code != 0 || causes(got) != causes(want) || causes(want) == "" {
		t.Errorf("%s\n%q, want %q", said, causes(got), causes(want))
	}
	if code, got, said := run(iotestReader{bytes.NewReader(sealed.Bytes())}, append(keys, "--identity", right, "-")...); code != 0 || causes(got) != causes(want) {
		t.Errorf("from standard input: %s\n%q, want %q", said, causes(got), causes(want))
	}
	for _, r := range []struct {
		args []string
		want string
	}{
		{[]string{file}, "--identity KEYFILE"},
		{[]string{"--identity", wrong, file}, "decrypt"},
		{[]string{"--identity", filepath.Join(dir, "missing"), file}, "read identity"},
		{[]string{"--identity", file, file}, "none of private keys"},
		{[]string{"--identity", right, cut}, ""},
	} {
		if code, _, said := run(nil, r.args...); code == 0 || !strings.Contains(said, r.want) {
			t.Errorf("%v: exit code %d: %s", r.args, code, said)
		}
	}
}

// iotestReader hides that it could be read anew.
type iotestReader struct{ io.Reader }

// causes are the lines of an explanation that state one.
func causes(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, " · critical · ") || strings.Contains(line, " · warning · ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
