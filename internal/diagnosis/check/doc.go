// Package check states causes from facts: what a check is, what it may look at, and how checks are run together.
//
// Input: a [Case], the facts about one connection to an origin and what is known around it. Output: [Run] gives the findings, best
// first, and what could not be looked at. The checks themselves lie below, one file each, by phase; diagnosis lists them.
// Promises: a check sees facts alone, so that it says the same of a capture, of live traffic and of a probe; it says "certain" only
// where the facts prove it, and nothing where its facts are missing; the same case gives the same findings.
// Non-goals: gathering facts (capture/flow, gateway/origin, probe), drawing them (diagnosis/explain).
//
// What a check asks of a case. Which fact: [Flow.Has], [Flow.First], [Flow.Next], [Flow.Last], for one side [Flow.FirstOf],
// [Flow.NextOf], by its content [Flow.Find]. How it began and ended: [Flow.Dial], [Flow.EndAfter], [Flow.SilenceAfter], [Flow.Heard]. What
// was agreed on: [Flow.Hello], [Flow.ServerHello], [Flow.Chain]. What was asked: [Flow.Exchanges], [Flow.Pending], [Flow.WaitOf]; and whether it goes on: [Flow.Lasts]. Whether
// an absence means anything: [Flow.Lacks], [Flow.AtServer], Watched. What others met: [Case.Compared], and [Case.Contrast] where it fails
// with a thing and works without. What the origin wrote: [Flow.Logged]. What it rests on: [Flow.Proof], [Flow.ProofOther].
package check
