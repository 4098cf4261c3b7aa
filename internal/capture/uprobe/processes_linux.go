//go:build amd64

package uprobe

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// process is one that runs.
type process struct {
	pid, parent int
	exe         string // path as it sees it; "" of kernel threads
}

// processes lists what runs, without order.
func processes() []process {
	dir, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []process
	for _, e := range dir {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		exe, err := os.Readlink("/proc/" + e.Name() + "/exe")
		if err != nil {
			continue // ended, or a thread of the kernel
		}
		all = append(all, process{pid, parentOf(pid), strings.TrimSuffix(exe, " (deleted)")})
	}
	return all
}

// parentOf reads the parent from /proc/PID/stat: "pid (name) state parent …", the name may hold anything.
func parentOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(f) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(f[1])
	return parent
}

// runs says whether a process runs one of the programs asked for.
func runs(exe string, wanted []string) bool {
	for _, w := range wanted {
		if w == exe || !strings.Contains(w, "/") && filepath.Base(exe) == w {
			return true
		}
	}
	return false
}

// mapped is a file of which a process executes code.
type mapped struct {
	path string // as the process sees it
	open string // where we can open it
}

// limits of what a process may have mapped.
const (
	maxMaps   = 16 << 20       // bytes of its list
	maxMapped = 2 * maxTargets // pieces of files that may hold a TLS library
)

// mappings lists the files that may hold a TLS library: the program, and libraries by their names.
func mappings(pid int) []mapped {
	text, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return nil
	}
	defer text.Close()
	own, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	own = strings.TrimSuffix(own, " (deleted)")
	var all []mapped
	lines := bufio.NewScanner(io.LimitReader(text, maxMaps)) // a line is at most a path of 4 KiB with each byte escaped
	for lines.Scan() && len(all) < maxMapped {
		f := strings.SplitN(lines.Text(), " ", 6) // range, rights, offset, device, inode, path
		if len(f) < 6 || !strings.Contains(f[1], "x") {
			continue
		}
		name := strings.TrimSuffix(strings.TrimSpace(f[5]), " (deleted)")
		if name == own || library(filepath.Base(name)) {
			from, to, _ := strings.Cut(f[0], "-") // filled with zeros to eight digits here, and not there
			all = append(all, mapped{name, fmt.Sprintf("/proc/%d/map_files/%s-%s", pid, strings.TrimLeft(from, "0"), strings.TrimLeft(to, "0"))})
		}
	}
	return all
}

// library says by its name whether a file may hold TLS.
func library(base string) bool {
	for _, s := range []string{"libssl", "libcrypto", "libgnutls", "libnettle", "libnss3", "libjvm", "boringssl", "libnode"} {
		if strings.Contains(base, s) {
			return true
		}
	}
	return false
}

// systemLibraries finds the TLS libraries of the system, for programs that start later.
func systemLibraries() []mapped {
	var all []mapped
	for _, dir := range []string{"/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/local/lib", "/usr/local/lib64"} {
		for _, name := range []string{"libssl.so.*", "libcrypto.so.*", "libgnutls.so.*", "libnettle.so.*"} {
			found, _ := filepath.Glob(filepath.Join(dir, name)) // the pattern is ours
			for _, f := range found {
				all = append(all, mapped{f, f})
			}
		}
	}
	return all
}

// installed finds the files of programs that were given by path or name.
func installed(wanted []string) []string {
	var all []string
	for _, w := range wanted {
		if strings.Contains(w, "/") {
			all = append(all, w)
			continue
		}
		standard := []string{"/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"}
		for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), standard...) {
			all = append(all, filepath.Join(dir, w))
		}
	}
	return all
}

// file tells files apart, and is what the kernel's filter compares.
type file struct{ device, inode uint64 }

func identify(path string) (file, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return file{}, err
	}
	// The kernel's own number of a device has the minor in the low 20 bits; what stat gives is spread.
	return file{uint64(unix.Major(st.Dev))<<20 | uint64(unix.Minor(st.Dev)), st.Ino}, nil
}
