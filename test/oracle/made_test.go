package oracle_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/capture/decrypt"
	"github.com/lunette-waf/lunette/internal/capture/secrets"
	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/tlswire"
)

// made is a capture of many connections, each named by its SNI.
type made struct {
	path  string
	ports []string
	keys  string                      // key log
	key   string                      // RSA key
	known map[string][2]string        // what client and server said, by name
	shows map[string]func(*seen) bool // what connections must show with the key log, or after "key " with the RSA key, by a part of their name
}

// check compares the capture under each kind of secret.
func (m *made) check(t *testing.T) {
	t.Helper()
	var truth map[string]*stream // as tshark sees it with the key log and what Lunette adds to it
	for _, with := range []string{withLog, withKey, withNothing} {
		flows, _ := lunette(t, file(t, m.path), m.store(t, with))
		streams := m.ask(t, flows, m.options(with)...)
		if truth == nil {
			truth = streams
			if slices.ContainsFunc(flows, func(s *seen) bool { return madeRowOf(s, with) != nil }) {
				truth = m.ask(t, flows, "-o", "tls.psk:"+psk, "-o", "tls.keylog_file:"+m.moreKeys(t, flows))
			}
		}
		m.compare(t, with, flows, streams, truth)
	}
}

// ask has tshark read the capture and returns the connections by name.
func (m *made) ask(t *testing.T, flows []*seen, options ...string) map[string]*stream {
	t.Helper()
	streams := map[string]*stream{}
	for _, s := range tshark(t, m.path, 2*len(flows)+8, m.ports, options...) {
		for _, one := range flows {
			if s.is(one) {
				streams[nameOf(one)] = s
			}
		}
	}
	if len(streams) != len(flows) {
		t.Errorf("%d connections, tshark has %d, or names are not unique", len(flows), len(streams))
	}
	return streams
}

// moreKeys writes the key log and the secrets that Lunette worked out, as they go into a Decryption Secrets Block.
func (m *made) moreKeys(t *testing.T, flows []*seen) string {
	t.Helper()
	text, err := os.ReadFile(m.keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range flows {
		text = append(text, "\n"+strings.Join(one.KeyLog, "\n")+"\n"...)
	}
	path := filepath.Join(t.TempDir(), "more.keys")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// nameOf names a connection: its SNI, or its version and ends where there is none.
func nameOf(s *seen) string {
	if s.TLS.ServerName != "" {
		return s.TLS.ServerName
	}
	return fmt.Sprintf("unnamed.%04x %v %v", s.TLS.Version, s.Client, s.Server)
}

func (m *made) store(t testing.TB, with string) *secrets.Store {
	t.Helper()
	store := secrets.New()
	switch with {
	case withNothing:
		return store
	case withLog:
		addLog(t, store, m.keys)
	case withKey:
		addKey(t, store, m.key)
	}
	key, err := hex.DecodeString(psk)
	if err != nil {
		t.Fatal(err)
	}
	store.AddPSK(key)
	return store
}

func (m *made) options(with string) []string {
	switch with {
	case withLog:
		return []string{"-o", "tls.psk:" + psk, "-o", "tls.keylog_file:" + m.keys}
	case withKey:
		return []string{"-o", "tls.psk:" + psk, "-o", fmt.Sprintf("uat:rsa_keys:%q,%q", m.key, "")}
	}
	return nil
}

func (m *made) compare(t *testing.T, with string, flows []*seen, streams, truth map[string]*stream) {
	t.Helper()
	opened := 0
	for _, one := range flows {
		name := nameOf(one)
		if one.TLS.Why == decrypt.WhyNot {
			opened++
		}
		if one.TLS.Why == decrypt.WhyWrongSecret || one.TLS.Why == decrypt.WhyWrongKey {
			t.Errorf("%s with %s: %s, and all secrets are right", name, with, one.TLS.Why)
		}
		if streams[name] == nil {
			continue
		}
		problems := differ(one, streams[name])
		if len(problems) > 0 && one.TLS.Decrypted == 0 && one.TLS.Version <= tlswire.VersionTLS12 {
			problems = differ(one, streams[name].sealed())
		}
		if r := madeRowOf(one, with); r != nil {
			if len(problems) == 0 {
				t.Errorf("%s with %s: tshark agrees: the row %q is needed no longer", name, with, r.why)
			}
			problems = m.againstTruth(one, r, truth)
		}
		for _, p := range problems {
			t.Errorf("%s with %s (%04x, %s): %s", name, with, one.TLS.Suite, one.TLS.Why, p)
		}
		if known, ok := m.known[name]; ok && with == withLog {
			checkKnown(t, one, known)
		}
	}
	m.checkShown(t, with, flows)
	t.Logf("with %s: %d connections, %d opened", with, len(flows), opened)
}

// checkShown holds that there are connections of each part of a name, and that they show what they must.
func (m *made) checkShown(t *testing.T, with string, flows []*seen) {
	t.Helper()
	for part, shown := range m.shows {
		part, key := strings.CutPrefix(part, "key ")
		if with != map[bool]string{false: withLog, true: withKey}[key] {
			continue
		}
		n := 0
		for _, one := range flows {
			if !strings.Contains(nameOf(one), part) {
				continue
			}
			if n++; !shown(one) {
				t.Errorf("%s does not show what it should: %+v\n%s", nameOf(one), *one.TLS, sideBySide(one.events, nil))
			}
		}
		if n == 0 {
			t.Errorf("no connection has %q in its name", part)
		}
	}
}

// againstTruth compares a connection that tshark fails at with what a row says is true.
func (m *made) againstTruth(one *seen, r *madeRow, truth map[string]*stream) []string {
	name := nameOf(one)
	twin := truth[r.twin(name)]
	if twin == nil {
		return []string{"its twin " + r.twin(name) + " is not there"}
	}
	right := *twin
	right.sent = maps.Clone(right.sent)
	if known, ok := m.known[name]; ok {
		right.sent[right.ports[fact.SideClient]], right.sent[right.ports[fact.SideServer]] = []byte(known[0]), []byte(known[1])
	} else if r.twin(name) != name {
		return []string{"what was said is not known"}
	}
	if r.mend != nil {
		r.mend(one, &right)
	}
	return differ(one, &right)
}

// checkKnown holds the plaintext to what the two are known to have said.
func checkKnown(t *testing.T, one *seen, known [2]string) {
	t.Helper()
	name := nameOf(one)
	if one.TLS.Why != decrypt.WhyNot {
		t.Errorf("%s (%04x): not opened: %s", name, one.TLS.Suite, one.TLS.Why)
	}
	for i, side := range []fact.Side{fact.SideClient, fact.SideServer} {
		if got := string(one.sent[side]); got != known[i] {
			t.Errorf("%s (%04x): the %s said %s, not %s", name, one.TLS.Suite, side, excerpt([]byte(got)), excerpt([]byte(known[i])))
		}
	}
}

func addLog(t testing.TB, store *secrets.Store, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := store.AddKeyLog(path, f); err != nil {
		t.Fatal(err)
	}
}

func addKey(t testing.TB, store *secrets.Store, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.AddPrivateKey(path, text, nil); err != nil {
		t.Fatal(err)
	}
}
