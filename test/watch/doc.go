// Package watch holds lunette watch to what it promises: failures of proxies that are not Lunette are named while they last, from the packets
// alone.
//
// Input: real origins and proxies on loopback, the command. Output: failures of tests. Promises: what needs root says so and is skipped
// without. Non-goals: captures of files (internal/analysis).
package watch
