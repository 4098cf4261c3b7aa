// Package healthy holds the checks to silence: a thousand connections in which nothing is wrong give no finding above info.
//
// Input: connections that its tests make, over every version and suite that Go speaks, short and long, quick and slow, and the good
// ones among the captures of test/captures. Output: failures of tests. Promises: the same seed makes the same connections.
// Non-goals: faults (test/findings, test/parity).
package healthy
