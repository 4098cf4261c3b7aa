package secrets

import "bytes"

// other reads a line that has no label of key logs: part of a session that openssl s_client printed, or a fault.
func (k *keyLog) other(label, rest []byte) error {
	switch string(label) {
	case "SSL-Session:":
		if !k.known { // what s_client printed before it
			k.report.Faults, k.report.More = nil, 0
		}
		k.dump, k.session = true, nil
		return nil
	case "Session-ID:":
		if k.dump {
			k.session = bytes.Clone(rest)
			return nil
		}
	case "Master-Key:":
		if k.dump && len(k.session) > 0 {
			return k.masterKey(rest)
		}
	}
	if !k.dump {
		k.fault(strange(label))
	}
	return nil
}

func (k *keyLog) masterKey(hex []byte) error {
	l := &k.scratch
	l.kind = kindSession
	if fault := l.readSession(k.session, hex); fault != "" {
		k.fault(fault)
		return nil
	}
	k.known = true
	return k.add([]byte("Master-Key"))
}

// strange names a label that is not known, unless it may be a piece of a secret.
func strange(label []byte) string {
	secret := len(label) > 40
	for _, c := range label {
		if !(c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_') {
			secret = true
		}
	}
	if secret || bytes.IndexByte(label, '_') < 0 {
		return "not a line of a key log: those begin with a label such as CLIENT_RANDOM"
	}
	return "no label of key logs is called " + string(label)
}
