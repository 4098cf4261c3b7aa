// Package packet takes one captured packet apart: link layer, IPv4 or IPv6 with fragments, TCP; and ICMP errors about TCP.
//
// Input: a pcap.Packet. Output: a [Segment]. Promises: no allocation per packet, but one per datagram that came in fragments; every
// length is checked before it is used, against the captured bytes and against those on the wire; fragments wait within a bounded
// memory, about 4 MiB; the result depends on the packets alone. Non-goals: streams (tcpstream), checksums, UDP, tunnels.
package packet
