package filter

// table lists expressions that people write, and some that only a test does.
func table() []string {
	return []string{
		"", "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "igrp", "pim", "vrrp", "ah", "esp",
		"host 10.0.0.1", "src host 10.0.0.1", "dst host 10.0.0.1", "src or dst host 10.0.0.1", "src and dst host 10.0.0.1", "src 10.0.0.1", "dst 10.0.0.1",
		"dst and src host 10.0.0.1", "dst or src host 10.0.0.1", "host 10", "host 10.1", "host 0x0a000001",
		"ip host 10.0.0.1", "arp host 10.0.0.1", "rarp host 10.0.0.1", "ip src 10.0.0.1", "arp dst host 10.0.0.2",
		"host ::1", "host 2001:db8::1", "src host fe80::1", "dst ip6 host ::1", "ip6 host ::1", "ip6 src host ::1", "ip6 dst ::1", "src and dst host ::1", "host ::ffff:10.0.0.1",
		"net 10", "net 10.1", "net 10.1.2", "net 10.0.0.0/8", "net 192.0.2.4/30", "net 0.0.0.0/0", "net 0", "net 10.0.0.1/32", "net 10.0.0.0 mask 255.0.0.0", "net 10.0.0.1",
		"net 10.1/16", "src net 10.0.0.0/8", "dst net 10", "src and dst net 10.0.0.0/8", "ip net 10.0.0.0/8", "arp net 10.0.0.0/8", "net 224.0.0.0/4", "net 128.0.0.0/1",
		"net fe80::/10", "net 2001:db8::/32", "net 2001:db8::/64", "net ::/0", "net ::1/128", "net ::1", "src net 2001:db8::/33", "ip6 net 2001:db8::/127", "dst net ::/1",
		"port 80", "tcp port 443", "udp port 53", "sctp port 80", "src port 80", "dst port 80", "src or dst port 80", "src and dst port 80", "tcp src port 80", "tcp dst port 443",
		"udp src and dst port 53", "port 0", "port 65535", "port 0x50", "tcp src or dst port 443",
		"portrange 80-443", "portrange 443-80", "tcp portrange 1-1024", "udp portrange 53-53", "src portrange 80-90", "dst portrange 80-90", "src and dst portrange 1-1024", "portrange 0-65535", "portrange 80",
		"proto 6", "proto 17", "ip proto 6", "ip6 proto 6", `ip proto \tcp`, `ip6 proto \udp`, `proto \icmp`, "ip6 proto 58", "ip proto 50", "proto 0x11", "ip6 proto 0", "ip6 proto 44",
		"ether proto 0x800", `ether proto \arp`, `ether proto \ip6`, "ether proto 0x88cc", "ip multicast", "ip6 multicast",
		"ether host 00:11:22:33:44:55", "ether src 00:11:22:33:44:55", "ether dst host 02:00:00:00:00:01", "ether src and dst host 02:00:00:00:00:01", "ether host 00-11-22-33-44-55",
		"ether broadcast", "broadcast", "multicast", "ether multicast", "link host 0:11:22:33:44:55",
		"less 60", "greater 100", "less 0", "greater 0", "less 0x40", "not less 60",
		"vlan", "vlan 5", "vlan 5 and port 80", "vlan and vlan", "vlan 7 and host 10.0.0.1", "vlan or port 80", "not vlan", "vlan and not port 80", "vlan 0x5", "ip and vlan and ip", "vlan 5 or vlan 7",
		"vlan and ip6", "vlan and ether host 00:11:22:33:44:55", "vlan 5 and vlan 7 and tcp port 443", "port 80 or (vlan and port 80)",
		"tcp and port 80", "tcp or udp", "tcp and udp", "ip and tcp", "ip or ip6", "ip and arp", "not ip", "not not tcp", "!tcp", "! (tcp or udp)", "tcp and not port 22", "not port 22 and not arp",
		"port 80 or 443", "port 80 or port 443", "tcp port 80 or 443 or 8080", "port (80 or 443)", "tcp port (80 or 443 or 22)", "host 10.0.0.1 or 10.0.0.2", "host (10.0.0.1 or 10.0.0.2)",
		"host 10.0.0.1 and 10.0.0.2", "host 10.0.0.1 and not 10.0.0.2", "host 10.0.0.1 and not port 22", "src host 10.0.0.1 or 10.0.0.2", "src net 10.0.0.0/8 or 192.0.2.0/24",
		"net 10.0.0.0/8 or 192.0.2 and port 80", "port not 80", "host not (10.0.0.1 or 10.0.0.2)", "tcp port not (80 or 443)", "port 80 or not 443", "port (not 80 and not 443)",
		"host 10.0.0.1 and (port 80 or 443)", "host 10.0.0.1 and tcp port 443", "src host 10.0.0.1 and dst port 443", "tcp and host 10.0.0.1 and port 443 or arp", "tcp or arp and ip",
		"(host 10.0.0.1 and port 443) or (host 10.0.0.2 and port 80)", "tcp port 443 and (host 10.0.0.1 or host 10.0.0.2 or host 2001:db8::1)",
		"(host 10.0.0.1 or host 2001:db8::1) and tcp port 443", "(src host 10.0.0.1 and src port 80) or (dst host 10.0.0.1 and dst port 80)", "icmp or icmp6", "port 53 or icmp or icmp6 or arp",
		"not (host 10.0.0.1 and port 22)", "tcp && !(port 22 || port 80)", "tcp port http-alt and greater 60 or less 20", "ip host 10.0.0.1 and ip6 host ::1", "tcp and tcp port 80 and ip",
		"((tcp))", "(((port 80)))", "port 80 or (tcp) or 443", "host 10.0.0.1 or (port 80) or 10.0.0.2", "tcp or not tcp", "port 80 and not port 80", "tcp port 80 and udp port 80", "(tcp or udp) and port 53 and host ::1",
		"src host 10.0.0.1 and dst host 10.0.0.2 and tcp port 443", "host 10.0.0.1 and host 10.0.0.2", "portrange 80-90 or 443-450", "ip proto 6 or 17", "host 127.0.0.1 and tcp port 443 and greater 100",
		// refused
		"10.0.0.1", "tcp 80", "tcp or 80", "port", "host", "host 10.0.0.1/32", "net 10.1.2.3/24", "port 65536", "port 80-90", "host ::1/64", "ip host ::1", "ip6 host 10.0.0.1", "tcp host 10.0.0.1", "arp port 80",
		"vlan 4096", "(port 80", "port 80)", "and", "tcp and", "or tcp", "not", "host 10.0.0.256", "net 10.0.0.0/33", "net fe80::/129", "net fe80::1/10", "src tcp", "ether host 10.0.0.1", "host 00:11:22:33:44:55",
		"arp proto 6", "src proto 6", "port port 80", "()", "less", "less x", "portrange 1-70000", "net 10.1.2.3 mask 255.255.255.0", "host host", "tcp tcp", "ip proto", "udp ether host 00:11:22:33:44:55", "port 80 443",
	}
}
