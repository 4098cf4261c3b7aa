//go:build linux && amd64

package uprobe_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/uprobe"
	"github.com/lunette-waf/lunette/test/peer"
)

// mapper maps the files that it is given, as code, and waits.
const mapper = "import mmap,sys\nkeep=[]\nfor n in sys.argv[1:]:\n f=open(n,'rb')\n keep.append(mmap.mmap(f.fileno(),4096,mmap.MAP_PRIVATE,mmap.PROT_READ|mmap.PROT_EXEC))\nprint('ready',flush=True)\nsys.stdin.read()"

// huge is a file whose headers claim tables of many gigabytes, which it has, as a hole.
func huge(t *testing.T, name string) {
	t.Helper()
	const size = 1 << 40
	var b bytes.Buffer
	b.WriteString("\x7fELF\x02\x01\x01")
	b.Write(make([]byte, 9))
	for _, v := range []any{uint16(3), uint16(62), uint32(1), uint64(0), uint64(0), uint64(64), uint32(0), uint16(64), uint16(56), uint16(0), uint16(64), uint16(3), uint16(0)} {
		_ = binary.Write(&b, binary.LittleEndian, v) // a buffer does not fail
	}
	for _, kind := range []uint32{0, 11, 3} { // none, SHT_DYNSYM, SHT_STRTAB
		_ = binary.Write(&b, binary.LittleEndian, []uint32{0, kind})
		_ = binary.Write(&b, binary.LittleEndian, []uint64{0, 0, 4096, size - 8192})
		_ = binary.Write(&b, binary.LittleEndian, []uint32{2, 0})
		_ = binary.Write(&b, binary.LittleEndian, []uint64{8, 24})
	}
	if err := os.WriteFile(name, b.Bytes(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Skip("the file system has no large files: ", err)
	}
}

// TestFakeLibraries: files that only call themselves TLS libraries are told with the reason, and read within bounds.
func TestFakeLibraries(t *testing.T) {
	dir := t.TempDir()
	name := func(s string) string { return filepath.Join(dir, s) }
	huge(t, name("libssl-huge.so"))
	args := []string{"-c", mapper, name("libssl-huge.so")}
	for n, text := range map[string]string{"libssl-text.so": "no program", "libcrypto-short.so": "\x7fELF\x02\x01", "libgnutls-header.so": "\x7fELF\x02\x01\x01" + strings.Repeat("\xff", 4089)} {
		args = append(args, name(n))
		if err := os.WriteFile(name(n), append([]byte(text), make([]byte, 4096-len(text))...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pid := startWaiting(t, exec.Command(peer.Need(t, "python3", "python3"), args...))
	told := 0
	for _, a := range open(t, uprobe.Config{PIDs: []int{pid}}).Attached() {
		if strings.HasPrefix(a.Path, dir) && strings.HasPrefix(a.Note, "it cannot be read: ") && a.PID == pid && len(a.Hooks) == 0 {
			told++
		}
	}
	if told != len(args)-2 {
		t.Errorf("%d of %d are told", told, len(args)-2)
	}
}

// TestManyLibraries: that there are more files than are looked at is told.
func TestManyLibraries(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-c", mapper}
	for i := range 300 {
		args = append(args, filepath.Join(dir, fmt.Sprintf("libssl-%d.so", i)))
		if err := os.WriteFile(args[len(args)-1], make([]byte, 4096), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pid := startWaiting(t, exec.Command(peer.Need(t, "python3", "python3"), args...))
	all := open(t, uprobe.Config{PIDs: []int{pid}}).Attached()
	if n := len(all); n != 257 || !strings.Contains(all[n-1].Note, "more than 256 files") {
		t.Errorf("%d files, the last is %+v", n, all[n-1])
	}
}

// TestPipeAsProgram: a program that is a pipe is not waited for.
func TestPipeAsProgram(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	r := open(t, uprobe.Config{Exe: []string{pipe}})
	for _, a := range r.Attached() {
		if a.Path == pipe && strings.Contains(a.Note, "regular file") {
			return
		}
	}
	t.Errorf("it is not told: %+v", r.Attached())
}

// TestForks: a process whose children come and go by hundreds, and that becomes another program, does not disturb the reader.
func TestForks(t *testing.T) {
	origin, log := server(t, tls.VersionTLS13)
	sh := exec.Command("/bin/sh", "-c", "echo ready; read go; i=0; while [ $i -lt 300 ]; do /bin/true & i=$((i+1)); done; wait; exec curl -qsk "+origin.URL)
	in, err := sh.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := sh.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sh.Process.Kill()
		_ = sh.Wait()
	}()
	buf := make([]byte, 100)
	if n, err := out.Read(buf); err != nil || string(buf[:n]) != "ready\n" {
		t.Fatal(string(buf[:n]), err)
	}
	r := open(t, uprobe.Config{PIDs: []int{sh.Process.Pid}, Exe: []string{"curl"}}) // curl: so that its library is hooked before it is mapped
	if _, err := in.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	if n, _ := out.Read(buf); string(buf[:n]) != "hello from the origin" {
		t.Fatalf("curl wrote %q", buf[:n])
	}
	sameAny(t, r, []string{"curl", "sh"}, log.lines())
}

// TestDeletedElsewhere reads a program whose file is deleted, in a mount namespace that shows other files than ours.
func TestDeletedElsewhere(t *testing.T) {
	if err := uprobe.Allowed(); err != nil {
		t.Skip(err)
	}
	unshare := peer.Need(t, "unshare", "util-linux")
	origin, log := server(t, tls.VersionTLS13)
	dir := t.TempDir()
	// Python and its libssl lie in a tmpfs that this process does not see, and are gone when it runs.
	const program = "import ssl,socket,sys,os\nos.remove(sys.argv[2]+'/libssl.so.3');os.remove(sys.argv[2]+'/strange')\nprint('ready',flush=True)\nsys.stdin.readline()\n" +
		"c=ssl._create_unverified_context();s=c.wrap_socket(socket.create_connection(('127.0.0.1',int(sys.argv[1]))));s.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n');s.read()\nsys.stdin.read()"
	python, err := filepath.EvalSymlinks("/usr/bin/python3")
	if err != nil {
		t.Skip("no python3 of the system")
	}
	script := "mount -t tmpfs none " + dir + " && cp /usr/lib/x86_64-linux-gnu/libssl.so.3 " + dir + " && cp " + python + " " + dir + "/strange && PYTHONHOME=/usr LD_LIBRARY_PATH=" + dir + " exec " + dir + "/strange -c \"$0\" " + portOf(origin.URL) + " " + dir
	cmd := exec.Command(unshare, "-m", "/bin/sh", "-c", script, program)
	pid, in := startTalking(t, cmd)
	r := open(t, uprobe.Config{PIDs: []int{pid}})
	if _, err := in.Write([]byte("go\n")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := r.Next(ctx)
	if err != nil {
		t.Fatalf("%v; hooked: %+v", err, r.Attached())
	}
	if s.Program != "strange" || !strings.Contains(strings.Join(log.lines(), "\n"), string(s.Line)) {
		t.Errorf("%s: %.60s…", s.Program, s.Line)
	}
}
