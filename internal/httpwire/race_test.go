//go:build race

package httpwire

// raceEnabled says that pools drop at random, so that allocations cannot be counted.
const raceEnabled = true
