// Package seclang reads SecLang, the language of ModSecurity and Coraza rules, into typed directives.
//
// Input: files by name, through [Files]. Output: [Directive] values in the order in which they stand, Includes resolved, each
// part with its file, line and column; and every [Fault] at once, with a hint.
//
// [ParseTargets], [ParseActions], [ParseCtl], [ParseSetvar], [ParseMacro] and [ParseIDs] read the parts that mean something only when
// rules are put together; in what Parse took without a fault they find none.
//
// Promises: what is unknown (a directive, variable, operator, action, ctl option, selector where none can be) is a fault and never
// ignored. Lengths, counts and depth of Includes are bounded. No file is read but through Files.
//
// Non-goals: what rules mean together (chains, defaults, updates, removals, transformations: package compile).
package seclang
