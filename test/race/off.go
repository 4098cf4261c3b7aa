//go:build !race

// Package race says whether tests run under the race detector: then pools drop at random what they are given back, so that allocations cannot be
// counted, and time and memory are another matter.
package race

// On is whether the race detector is in this binary.
const On = false
