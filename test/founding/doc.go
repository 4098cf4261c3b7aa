// Package founding holds the flight recorder to the incident that Lunette was made for, end to end: real Apache and the lab's IIS-like
// origin, over TLS 1.0 with RSA and TLS 1.2 with ECDHE, with Lunette itself refusing, and with a careless proxy between Lunette and
// the origin.
//
// Input: configurations as a user writes them. Output: none but failures. Promises: what is claimed of packets is asked of tshark; what
// is claimed of causes is asked of lunette explain and lunette incidents, as commands.
package founding
