// Package compile makes one immutable program of the directives of a site.
//
// Input: directives (package seclang), the data files they name, and the TX variables that are known before the first request. Output: a
// [Program]: rules resolved and ordered by phase, transformations as a trie, patterns as one set, and for each phase a [Plan] that says
// which patterns to look for in which values.
//
// Promises: everything that is constant is folded: paranoia gates, rules that are removed or can never match, skipAfter over them, TX
// variables set at the start. Rules that remain do exactly what SecLang says. Every fault is reported at once with its place.
// Equal input gives an equal program. A program is safe for concurrent use and its memory is stated and bounded.
//
// Non-goals: requests (package transaction), files and settings of the configuration (package rules).
package compile
