package filter

// protocol is the number of a transport protocol by its name, and over which of IPv4 and IPv6 the name alone means it.
type protocol struct {
	number    uint32
	four, six bool
}

// protocols are those whose name is a question of its own.
func protocols() map[string]protocol {
	return map[string]protocol{
		"tcp": {protoTCP, true, true}, "udp": {protoUDP, true, true}, "sctp": {protoSCTP, true, true},
		"icmp": {1, true, false}, "icmp6": {protoICMPv6, false, true}, "igmp": {2, true, false}, "igrp": {9, true, false},
		"pim": {103, true, true}, "vrrp": {112, true, false}, "ah": {51, true, true}, "esp": {50, true, true},
	}
}

// networks are the protocols with an EtherType.
func networks() map[string]uint32 {
	return map[string]uint32{"ip": typeIPv4, "ip6": typeIPv6, "arp": typeARP, "rarp": typeRARP}
}

// services are the names of ports that are taken.
func services() map[string]uint32 {
	return map[string]uint32{
		"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "ntp": 123, "snmp": 161, "ldap": 389, "https": 443,
		"submission": 587, "ldaps": 636, "imaps": 993, "pop3s": 995, "http-alt": 8080,
	}
}
