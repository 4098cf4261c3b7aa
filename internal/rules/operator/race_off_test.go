//go:build !race

package operator

// raced says that the race detector is on.
const raceEnabled = false
