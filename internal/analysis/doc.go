// Package analysis runs whole captures through the stages: the one place that owns the goroutines and the memory of a run.
//
// Input: files, secrets, limits. Output: a [Report] with every flow. Promises: all cores are used and the result does not depend on how many;
// memory stays inside the budget; cancelling the context ends the run and all its goroutines. Secrets that come late in a file, and sessions
// whose first half stands elsewhere in it, are used by reading it again, at most twice; that is why an [Input] can be opened more than once, and
// why standard input is spooled (see [Spool]). Several files count as one capture, in the order of their first packets.
// Non-goals: words (diagnosis/explain), flags (cli).
package analysis
