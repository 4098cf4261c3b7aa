// Package app wires the stages into a running gateway: configuration → graph → listeners, and swaps the graph on reload.
//
// Input: the path of a configuration file and a context. Output: a gateway that serves until the context ends, then
// drains. Promises: a faulty file changes nothing; a reload drops no connection and no request; origins whose
// settings did not change keep their connections and their health; every fault of a stage ends in an answer and a record.
// Non-goals: reading flags and signals (cli), any decision that belongs to a stage.
package app
