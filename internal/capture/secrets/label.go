package secrets

// Label names a secret of a key log (RFC 9850, first of NSS).
type Label uint8

// The labels of TLS 1.3.
const (
	ClientEarlyTraffic Label = iota
	ClientHandshakeTraffic
	ServerHandshakeTraffic
	ClientTraffic // CLIENT_TRAFFIC_SECRET_0
	ServerTraffic
	Exporter
	EarlyExporter
	labels // how many there are
)

// String is the label as key logs write it, "" for none of them.
func (l Label) String() string {
	switch l {
	case ClientEarlyTraffic:
		return "CLIENT_EARLY_TRAFFIC_SECRET"
	case ClientHandshakeTraffic:
		return "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
	case ServerHandshakeTraffic:
		return "SERVER_HANDSHAKE_TRAFFIC_SECRET"
	case ClientTraffic:
		return "CLIENT_TRAFFIC_SECRET_0"
	case ServerTraffic:
		return "SERVER_TRAFFIC_SECRET_0"
	case Exporter:
		return "EXPORTER_SECRET"
	case EarlyExporter:
		return "EARLY_EXPORTER_SECRET"
	}
	return ""
}
