// Package explain puts flows into words: the ladder in a terminal, JSON, HAR, and two flows side by side.
//
// Input: a [Capture], the flows of one run with what is to say about their files. Output: text for people or for programs, written
// as it is made. Promises: nothing of a capture reaches a terminal but printable characters; the same flows give the same text;
// lines keep to the width asked for, in columns of a terminal. Field names of JSON only ever grow in number (docs/formats/explain.md).
// Non-goals: finding causes (diagnosis/check), reading captures (analysis).
package explain
