// Package oracle_test holds the capture lane to what Wireshark sees: tshark and Lunette read the same captures with the same secrets,
// and every handshake message, alert and ChangeCipherSpec in order with its direction, and the decrypted bytes of both directions,
// hash for hash, must agree.
//
// Input: the 150 captures of test/captures, and captures that the tests make with OpenSSL, GnuTLS, Java, curl, Apache and Go.
// Output: none but failures. Promises: where tshark is wrong or cannot, a row of a table says so and the truth from elsewhere is held
// instead; a row that is needed no longer fails. Non-goals: the parts, which their own packages test.
package oracle_test

import (
	"testing"

	"github.com/lunette-waf/lunette/test/captures"
)

// kinds of secrets that a capture is read with.
const (
	withLog     = "log" // the key log, or that inside the file
	withKey     = "key" // the RSA key alone
	withNothing = "nothing"
)

// TestCaptures compares the recorded captures, with each kind of secret.
func TestCaptures(t *testing.T) {
	all := captures.All(t)
	for _, with := range []string{withLog, withKey, withNothing} {
		t.Run(with, func(t *testing.T) {
			t.Parallel()
			var mine []*reading
			for i := range all {
				if c := &all[i]; with != withLog || c.KeyLog != "" || c.DSB {
					mine = append(mine, read(t, c, with))
				}
			}
			for _, batch := range batches(mine) {
				theirs := askTshark(t, batch, with)
				for _, one := range batch {
					t.Run(one.Name, func(t *testing.T) { compare(t, one, with, theirs[one]) })
				}
			}
		})
	}
}

// compare holds what both read of one capture against one another; where a row says that tshark fails, the truth of that row counts.
func compare(t *testing.T, mine *reading, with string, theirs []*stream) {
	t.Helper()
	problems := differences(mine.flows, theirs)
	truth := rowOf(mine.Name, with)
	if truth == nil {
		for _, p := range problems {
			t.Error(p)
		}
		return
	}
	if len(problems) == 0 {
		t.Errorf("tshark agrees: the row %q is needed no longer", truth.why)
	}
	for _, p := range differences(mine.flows, truth.correct(t, mine, with, theirs)) {
		t.Errorf("against the truth of a row (%s): %s", truth.why, p)
	}
}
