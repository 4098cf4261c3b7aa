//go:build race

package founding

// raceDetector says that the race detector is in this binary, whose memory is another matter.
const raceDetector = true
