//go:build race

package operator

// raced says that the race detector is on: then pools drop at random what they are given back.
const raceEnabled = true
