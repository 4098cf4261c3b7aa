// Package flight is the flight recorder: it keeps what crosses connections while they last, in memory that is bounded, locked and wiped,
// and notices when one of them stalls.
//
// Input: a [exchange.Tape] per connection, which the stages feed. Output: a recording.Recording of a connection when somebody asks;
// stalls as they happen. Promises: feeding a tape never waits and allocates nothing; all tapes together stay within the budget;
// bytes and secrets lie in pages of their own (mlock, MADV_DONTDUMP) and are wiped after their connection has ended. Non-goals: reading
// what the bytes mean, deciding what a stall means, writing anything anywhere (app wires that).
package flight
