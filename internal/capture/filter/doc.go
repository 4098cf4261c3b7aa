// Package filter compiles the filter language of tcpdump to classic BPF, the program that a kernel runs on each packet.
//
// Input: an expression (pcap-filter(7): host, net, port, portrange, proto and the names of protocols, ether, vlan, less, greater; and, or, not,
// parentheses, and ids after one another that share what stands before the first), and how frames begin. Output: instructions. Promises: a
// packet gets the verdict that the program of `tcpdump -ddd` gives it; a test compares the two. Length, depth and instructions are bounded; an
// error names the column and says what to write. Non-goals: names of hosts (the caller resolves them: an address can change while a capture
// runs, and that is to be seen), arithmetic (tcp[13] & 2 != 0), protochain, MPLS, PPPoE, 802.11, gateway. Not in tcpdump and taken here: names
// of protocols without a backslash (ip proto tcp), net 10/8, vlan in cooked frames.
package filter
