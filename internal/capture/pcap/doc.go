// Package pcap reads and writes packet captures: pcap and pcapng, plain or gzipped.
//
// Input: an [io.Reader]. Output: [Packet] values in the order of the file, secrets and names that a pcapng carries, and
// [Info] about the file; [Writer] writes pcapng. Promises: nothing is allocated on a length that the file states: memory is one buffer
// that grows with the data, to 4 MiB; a damaged file gives everything before the damage, and after it where the way back is certain,
// and a [*DamageError] that names the offset; how the input is cut into reads changes nothing; no panic on any input.
// Non-goals: what the packets mean (packet), capturing (sniff).
package pcap
