// Package counterfactual demonstrates the cause of a failure: it repeats the failed attempt aside with one thing changed at a time, to
// the smallest change that succeeds, and repeats both in random order until chance is no explanation.
//
// Input: a [Case], what failed and what the attempt did, and a [Trier], which makes one request with one [Change]. Output: a
// [Demonstration] with a sentence, the settings that cure it, and every try. Promises: at most 12 connections and 5 seconds, whatever
// fails; a cause is called demonstrated only where the unchanged attempt failed and the changed one worked, so often that an
// origin that fails at random would show the same in fewer than one of a hundred cases; an origin that says that it is overloaded is left
// alone at once. Non-goals: sockets (the Trier's), deciding which failures are worth it and how often (app).
package counterfactual
