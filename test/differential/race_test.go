//go:build race

package differential_test

// race says that the race detector watches.
const race = true
