package oracle_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/test/captures"
	"github.com/lunette-waf/lunette/test/peer"
)

// reading is one capture read by Lunette.
type reading struct {
	*captures.Capture
	flows   []*seen
	start   time.Time // of the first packet
	packets int64
}

func read(t testing.TB, c *captures.Capture, with string) *reading {
	t.Helper()
	flows, report := lunette(t, file(t, c.Path), storeOf(t, c, with))
	return &reading{c, flows, report.Start.Time(), report.Packets.All}
}

// storeOf holds the secrets of one kind that belong to a capture.
func storeOf(t testing.TB, c *captures.Capture, with string) *secrets.Store {
	t.Helper()
	store := secrets.New()
	switch {
	case with == withKey:
		text, err := os.ReadFile(captures.RSAKeyFile(t))
		if err != nil {
			t.Fatal(err)
		}
		if err := store.AddPrivateKey("server", text, nil); err != nil {
			t.Fatal(err)
		}
	case with == withLog && c.KeyLog != "":
		f, err := os.Open(c.KeyLog)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := store.AddKeyLog(c.KeyLog, f); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// batches joins captures that one run of tshark can read: no two of them have connections between the same ends.
func batches(all []*reading) [][]*reading {
	var out [][]*reading
	var used []map[string]bool
	for _, one := range all {
		at := 0
		for at < len(out) && slices.ContainsFunc(one.flows, func(s *seen) bool { return used[at][fmt.Sprint(ends(s.Flow))] }) {
			at++
		}
		if at == len(out) {
			out, used = append(out, nil), append(used, map[string]bool{})
		}
		out[at] = append(out[at], one)
		for _, s := range one.flows {
			used[at][fmt.Sprint(ends(s.Flow))] = true
		}
	}
	return out
}

// askTshark has tshark read several captures as one, with secrets of one kind and more options, and returns the connections of each.
func askTshark(t testing.TB, batch []*reading, with string, options ...string) map[*reading][]*stream {
	t.Helper()
	dir := t.TempDir()
	merged := filepath.Join(dir, "merged.pcapng")
	args := []string{"-a", "-w", merged}
	ports := map[string]bool{}
	most := 8 // connections without TLS count too
	for _, one := range batch {
		args = append(args, one.Path)
		ports[one.Port] = true
		most += 2 * len(one.flows)
	}
	if out, err := exec.Command(peer.Need(t, "mergecap", "wireshark-common"), args...).CombinedOutput(); err != nil {
		t.Fatalf("mergecap: %v\n%s", err, out)
	}
	options = append(options, secretsFor(t, batch, with)...)
	streams := tshark(t, merged, most, slices.Sorted(maps.Keys(ports)), options...)
	out := map[*reading][]*stream{}
	first := int64(0)
	for _, one := range batch {
		for _, n := range slices.Sorted(maps.Keys(streams)) {
			if s := streams[n]; s.frames[0] > first && s.frames[0] <= first+one.packets {
				s.shift(-first)
				out[one] = append(out[one], s)
				delete(streams, n)
			}
		}
		first += one.packets
	}
	return out
}

// secretsFor are tshark's options for secrets of one kind.
func secretsFor(t testing.TB, batch []*reading, with string) []string {
	t.Helper()
	switch with {
	case withKey:
		return []string{"-o", fmt.Sprintf("uat:rsa_keys:%q,%q", captures.RSAKeyFile(t), "")}
	case withLog:
		var log []byte
		for _, one := range batch {
			if one.KeyLog == "" {
				continue
			}
			text, err := os.ReadFile(one.KeyLog)
			if err != nil {
				t.Fatal(err)
			}
			log = append(append(log, text...), '\n')
		}
		keys := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(keys, log, 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"-o", "tls.keylog_file:" + keys}
	}
	return nil
}
