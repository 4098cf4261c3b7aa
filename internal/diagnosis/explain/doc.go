// Package explain puts flows into words: the ladder in a terminal, JSON, HAR, and two flows side by side.
//
// Input: a [Capture], the flows of one run with what is to say about their files, and what the checks say about each flow. Output: text
// for people or for programs, written as it is made; below each ladder its causes, the lines that prove them marked in the margin.
// Promises: nothing of a capture reaches a terminal but printable characters; the same flows give the same text; lines keep to the width
// asked for, in columns of a terminal, but for commands that are there to be copied. Field names of JSON only ever grow in number
// (docs/formats/explain.md).
// Non-goals: finding causes (diagnosis/check), reading captures (analysis).
package explain
