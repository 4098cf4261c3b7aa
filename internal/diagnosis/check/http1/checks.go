// Package http1 holds the checks of HTTP/1.1 messages: cut short, malformed, slow, refused.
//
// Input: cases. Output: [Checks]. Promises: those of package check. Non-goals: what answers mean (application).
package http1

import "github.com/lunette-waf/lunette/internal/diagnosis/check"

// Checks are the checks of this package, causes before symptoms.
func Checks() []check.Check {
	return []check.Check{
		continueStall, upgradeFailed, requestHeaderTooLarge, requestRefused,
		headerTooLarge, malformedAnswer, chunkBroken, bodyTruncated, contentCodingBroken,
		answerStalled, earlyAnswer, closedBeforeAnswer, resetBeforeAnswer, slowFirstByte, noKeepAlive,
	}
}
