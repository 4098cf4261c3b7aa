// Package manual makes the manual of causes from the checks: a page for each in Markdown and for a terminal, lists of them, and the
// catalogue of failures with the causes that cover each.
//
// Input: the checks, and of each its sample where there is one. Output: docs/findings (written by the test of package diagnosis) and what
// "lunette finding" prints. Promises: the same checks give the same bytes; nothing stands in the manual that does not stand in a check.
// Non-goals: what a finding says about a case (finding.Lines).
package manual
