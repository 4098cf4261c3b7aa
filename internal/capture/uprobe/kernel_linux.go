//go:build amd64

package uprobe

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// kernelOffsets are fields of this kernel's structures, from its own description (BTF).
type kernelOffsets struct {
	mm, parent, tgid uint32 // task_struct
	exeFile          uint32 // mm_struct
	inode            uint32 // file
	ino, superblock  uint32 // inode
	device           uint32 // super_block
}

// readKernel finds the offsets.
func readKernel() (kernelOffsets, error) {
	var k kernelOffsets
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return k, fmt.Errorf("read the kernel's type information: %w", err)
	}
	for _, f := range []struct {
		of, name string
		to       *uint32
	}{
		{"task_struct", "mm", &k.mm}, {"task_struct", "real_parent", &k.parent}, {"task_struct", "tgid", &k.tgid},
		{"mm_struct", "exe_file", &k.exeFile}, {"file", "f_inode", &k.inode},
		{"inode", "i_ino", &k.ino}, {"inode", "i_sb", &k.superblock}, {"super_block", "s_dev", &k.device},
	} {
		var s *btf.Struct
		if err := spec.TypeByName(f.of, &s); err != nil {
			return k, fmt.Errorf("find struct %s in the kernel's type information: %w", f.of, err)
		}
		off, ok := member(s.Members, f.name, 0)
		if !ok {
			return k, fmt.Errorf("find %s.%s in the kernel's type information: no such field", f.of, f.name)
		}
		*f.to = off
	}
	return k, nil
}

// member finds a field, also inside unnamed structures and unions, three deep.
func member(all []btf.Member, name string, depth int) (uint32, bool) {
	for _, m := range all {
		if m.Name == name {
			return m.Offset.Bytes(), true
		}
		if m.Name != "" || depth == 3 {
			continue
		}
		var inner []btf.Member
		switch t := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			inner = t.Members
		case *btf.Union:
			inner = t.Members
		}
		if off, ok := member(inner, name, depth+1); ok {
			return m.Offset.Bytes() + off, true
		}
	}
	return 0, false
}

// initialNamespace is the number of the first PID namespace, fixed in the kernel.
const initialNamespace = "pid:[4026531836]"

// Allowed returns nil where secrets of other processes can be read, else why not and what to do.
func Allowed() error {
	const cannot = "read secrets of running programs: "
	if err := mayLoad(); err != nil {
		return fmt.Errorf(cannot+"%w", err)
	}
	if _, err := os.Stat("/sys/bus/event_source/devices/uprobe"); err != nil {
		return errors.New(cannot + "the kernel has no uprobes (CONFIG_UPROBE_EVENTS): use a key log (docs/keys.md)")
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return errors.New(cannot + "the kernel does not describe its types (/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF): use a kernel that does, or a key log (docs/keys.md)")
	}
	if ns, err := os.Readlink("/proc/self/ns/pid"); err == nil && ns != initialNamespace {
		return errors.New(cannot + "this process is in a container with process ids of its own: run it on the host, or with the host's (docker run --pid=host)")
	}
	if text, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil && strings.Contains(string(text), "[confidentiality]") {
		return errors.New(cannot + "the kernel is locked down (lockdown=confidentiality, see /sys/kernel/security/lockdown): use a key log (docs/keys.md)")
	}
	return nil
}

// mayLoad says whether the capabilities are there: CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON (5.8), and CAP_SYS_PTRACE for /proc.
func mayLoad() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return fmt.Errorf("read own capabilities: %w", err)
	}
	has := func(n int) bool { return data[n/32].Effective&(1<<(n%32)) != 0 }
	if (has(unix.CAP_SYS_ADMIN) || has(unix.CAP_BPF) && has(unix.CAP_PERFMON)) && has(unix.CAP_SYS_PTRACE) {
		return nil
	}
	return errors.New("it takes root, or CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE and CAP_SYS_ADMIN: start it with sudo")
}

// withChildren is the value of a process in the map whose children count too; alone of one whose do not.
const (
	withChildren byte = 1
	alone        byte = 2
)

// maps are what the programs in the kernel and this process share. All have a fixed size; where one is full the oldest entry goes.
type maps struct {
	pids     *ebpf.Map // process → withChildren, alone
	exes     *ebpf.Map // device, inode → 1
	threads  *ebpf.Map // thread → address of the client random of the session that it works for
	sessions *ebpf.Map // thread → session
	pending  *ebpf.Map // thread → what a function was called with
	seen     *ebpf.Map // process, session → first bytes of the client random
	lost     *ebpf.Map // how many events found no room
	events   *ebpf.Map // ring buffer
}

// maxFiles are the files that may be programs asked for.
const maxFiles = 4 * maxExe

// ringSize is the room for events that Next has not fetched, in bytes: about 5000 secrets.
const ringSize = 1 << 20

func newMaps() (*maps, error) {
	m := &maps{}
	for _, s := range []struct {
		to   **ebpf.Map
		spec ebpf.MapSpec
	}{
		{&m.pids, ebpf.MapSpec{Name: "lnt_pids", Type: ebpf.Hash, KeySize: 8, ValueSize: 1, MaxEntries: maxFollowed}},
		{&m.exes, ebpf.MapSpec{Name: "lnt_exes", Type: ebpf.Hash, KeySize: 16, ValueSize: 1, MaxEntries: maxFiles}},
		{&m.threads, ebpf.MapSpec{Name: "lnt_threads", Type: ebpf.LRUHash, KeySize: 8, ValueSize: 8, MaxEntries: 8192}},
		{&m.sessions, ebpf.MapSpec{Name: "lnt_sessions", Type: ebpf.LRUHash, KeySize: 8, ValueSize: 8, MaxEntries: 8192}},
		{&m.pending, ebpf.MapSpec{Name: "lnt_pending", Type: ebpf.LRUHash, KeySize: 8, ValueSize: 32, MaxEntries: 8192}},
		{&m.seen, ebpf.MapSpec{Name: "lnt_seen", Type: ebpf.LRUHash, KeySize: 16, ValueSize: 8, MaxEntries: 32768}},
		{&m.lost, ebpf.MapSpec{Name: "lnt_lost", Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
		{&m.events, ebpf.MapSpec{Name: "lnt_events", Type: ebpf.RingBuf, MaxEntries: ringSize}},
	} {
		made, err := ebpf.NewMap(&s.spec)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("create map %s in the kernel: %w", s.spec.Name, err), m.close())
		}
		*s.to = made
	}
	return m, nil
}

func (m *maps) close() error {
	var errs []error
	for _, one := range []*ebpf.Map{m.pids, m.exes, m.threads, m.sessions, m.pending, m.seen, m.lost, m.events} {
		if one != nil {
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}
