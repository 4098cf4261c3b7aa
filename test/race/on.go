//go:build race

package race

// On is whether the race detector is in this binary.
const On = true
