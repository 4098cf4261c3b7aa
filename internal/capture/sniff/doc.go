// Package sniff takes live packets from a network interface of this machine: the only sockets of the capture lane.
//
// Input: the name of an interface ("any" for all) and a filter program (package filter). Output: [pcap.Packet] values in the order in
// which the kernel saw them, with its times. Promises: the filter is in force before the first packet can come; what is dropped because
// the reader was too slow is counted, never hidden; each packet of the loopback interface comes once; a VLAN tag that the network card took
// off is put back; a packet that the kernel or card will cut up only later (GSO, GRO) comes whole; memory is the ring and one packet; no
// goroutine. Checksums of packets that this machine sends are usually not computed yet when they are seen: that is no fault.
// Works on Linux alone, with a ring that kernel and program share (AF_PACKET, TPACKET_V3; Linux 3.2 and later); elsewhere each call says what
// to do instead. Needs CAP_NET_RAW, see [Allowed]. Non-goals: writing files, following connections, sending.
package sniff
