package tlscrypt

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lunette-waf/lunette/internal/tlswire"
	"github.com/lunette-waf/lunette/test/captures"
)

// traced is a recorded connection of testdata/traces: one handshake, RSA key exchange.
type traced struct {
	t                 *testing.T
	transcript        Transcript
	version           uint16
	suite             tlswire.Suite
	ems, etm          bool
	client, server    []byte // randoms
	master            []byte
	halves            map[string]*Half
	opened, finisheds int
}

// Connections of other programs open record by record, with what their server's key gives, and their Finished messages are those that
// the schedule predicts.
func TestTracesOfRealPeers(t *testing.T) {
	files, err := filepath.Glob("testdata/traces/*.txt")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d traces, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tr := &traced{t: t, halves: map[string]*Half{}}
			active := map[string]bool{}
			for line := range strings.Lines(string(text)) {
				side, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				if line[0] == '#' {
					continue
				}
				rec, err := hex.DecodeString(value)
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case active[side]:
					tr.protected(side, rec)
				case rec[0] == tlswire.TypeChangeCipherSpec:
					active[side] = true
				default:
					tr.clear(rec[5:])
				}
			}
			if tr.opened < 4 || tr.finisheds != 2 {
				t.Errorf("%d records opened, %d Finished", tr.opened, tr.finisheds)
			}
		})
	}
}

// clear takes handshake messages before the keys.
func (tr *traced) clear(messages []byte) {
	for len(messages) >= 4 {
		n := 4 + int(messages[1])<<16 + int(messages[2])<<8 + int(messages[3])
		raw, body := messages[:n], messages[4:n]
		messages = messages[n:]
		tr.transcript.Add(raw)
		switch raw[0] {
		case tlswire.MsgClientHello:
			tr.client = body[2:34]
		case tlswire.MsgServerHello:
			tr.serverHello(body)
		case tlswire.MsgClientKeyExchange:
			tr.keys(body)
		}
	}
}

func (tr *traced) serverHello(body []byte) {
	tr.version = uint16(body[0])<<8 | uint16(body[1])
	tr.server = body[2:34]
	rest := body[35+int(body[34]):]
	tr.suite, _ = tlswire.SuiteByID(uint16(rest[0])<<8 | uint16(rest[1]))
	if len(rest) < 5 {
		return
	}
	for ext := rest[5:]; len(ext) >= 4; ext = ext[4+int(ext[2])<<8+int(ext[3]):] {
		tr.etm = tr.etm || ext[0] == 0 && ext[1] == 22
		tr.ems = tr.ems || ext[0] == 0 && ext[1] == 23
	}
}

func (tr *traced) keys(body []byte) {
	if tr.version > tlswire.VersionSSL30 {
		body = body[2:]
	}
	pre, err := DecryptPreMaster(captures.RSAKey(tr.t), body)
	if err != nil {
		tr.t.Fatal(err)
	}
	if tr.ems {
		tr.master = ExtendedMasterSecret(tr.version, tr.suite.PRF, pre, tr.transcript.Sum(tr.version, tr.suite.PRF))
	} else {
		tr.master = MasterSecret(tr.version, tr.suite.PRF, pre, tr.client, tr.server)
	}
	k := DeriveKeys(&tr.suite, tr.version, tr.master, tr.client, tr.server)
	if tr.halves["c"], tr.halves["s"], err = Halves(&tr.suite, tr.version, tr.etm, &k); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *traced) protected(side string, rec []byte) {
	plain, typ, err := tr.halves[side].OpenRecord(nil, rec[0], tr.version, rec[5:])
	if err != nil || typ != rec[0] {
		tr.t.Fatalf("%s %s: record %d of %s: %v", tr.suite.Name, side, tr.opened, side, err)
	}
	tr.opened++
	if typ == tlswire.TypeHandshake && plain[0] == tlswire.MsgFinished {
		tr.finisheds++
		if want := tr.finished(side == "c"); !bytes.Equal(plain[4:], want) {
			tr.t.Errorf("Finished is %x, want %x", plain[4:], want)
		}
		tr.transcript.Add(plain)
	}
}

func (tr *traced) finished(client bool) []byte {
	if tr.version == tlswire.VersionSSL30 {
		return tr.transcript.FinishedSSL3(client, tr.master)
	}
	sum := tr.transcript.Sum(tr.version, tr.suite.PRF)
	if client {
		return ClientFinished(tr.version, tr.suite.PRF, tr.master, sum)
	}
	return ServerFinished(tr.version, tr.suite.PRF, tr.master, sum)
}
