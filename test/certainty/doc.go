// Package certainty holds the checks to what "certain" promises: that the facts prove it.
//
// Input: the captures of test/captures, cut, thinned, doubled and mixed; connections that look like a fault and are none. Output:
// failures of tests. Promises: what a test does to a capture takes knowledge away or repeats it and adds none, so that nothing may be
// certain afterwards that the whole capture does not show. LUNETTE_SOAK=1 tries every cut and every loss. Non-goals: that faults are
// found (test/findings, test/parity), that thousands of plain healthy connections stay silent (test/healthy).
package certainty
