package secrets

import (
	"encoding/asn1"
	"errors"
)

// maxNesting bounds how deep elements may lie in one another.
const maxNesting = 32

var errBER = errors.New("malformed BER")

// toDER rewrites BER as DER as far as .pfx files need it: lengths that are not known in advance become known, and strings in pieces
// become whole. Some exporters write such files (macOS, NSS, old Java). What is DER already stays as it is.
func toDER(ber []byte) ([]byte, error) {
	out, _, err := element(nil, ber, maxNesting)
	return out, err
}

// element appends one element of in to out, and returns what follows it.
func element(out, in []byte, depth int) (to, rest []byte, err error) {
	if depth == 0 || len(in) < 2 || in[0]&0x1f == 0x1f { // tags above 30 occur nowhere here
		return nil, nil, errBER
	}
	tag, open := in[0], in[1] == 0x80
	if open && tag&0x20 == 0 {
		return nil, nil, errBER
	}
	body := in[2:]
	if !open {
		if body, rest, err = sized(in); err != nil {
			return nil, nil, err
		}
	}
	if tag&0x20 != 0 {
		var after []byte
		if body, after, err = elements(body, open, depth, tag == 0x24); err != nil {
			return nil, nil, err
		}
		if open {
			rest = after
		}
		if tag == 0x24 {
			tag = 0x04
		}
	}
	out = append(out, tag)
	return append(appendLength(out, len(body)), body...), rest, nil
}

// elements converts what a constructed element holds, up to the end or to two zero bytes; join puts the pieces of a string together.
func elements(in []byte, open bool, depth int, join bool) (out, rest []byte, err error) {
	for {
		if open && len(in) >= 2 && in[0] == 0 && in[1] == 0 {
			return out, in[2:], nil
		}
		if len(in) == 0 {
			if open {
				err = errBER
			}
			return out, nil, err
		}
		if !join {
			if out, in, err = element(out, in, depth-1); err != nil {
				return nil, nil, err
			}
			continue
		}
		var piece []byte
		if piece, in, err = element(nil, in, depth-1); err != nil {
			return nil, nil, err
		}
		var whole asn1.RawValue
		if _, err := asn1.Unmarshal(piece, &whole); err != nil || whole.Tag != asn1.TagOctetString {
			return nil, nil, errBER
		}
		out = append(out, whole.Bytes...)
	}
}

// sized splits an element of known length off in.
func sized(in []byte) (body, rest []byte, err error) {
	n, at := int(in[1]), 2
	if n >= 0x80 {
		digits := n & 0x7f
		if digits > 4 || len(in) < 2+digits {
			return nil, nil, errBER
		}
		n = 0
		for _, b := range in[2 : 2+digits] {
			n = n<<8 | int(b)
		}
		at += digits
	}
	if n < 0 || n > len(in)-at {
		return nil, nil, errBER
	}
	return in[at : at+n], in[at+n:], nil
}

func appendLength(out []byte, n int) []byte {
	switch {
	case n < 0x80:
		return append(out, byte(n))
	case n < 1<<8:
		return append(out, 0x81, byte(n))
	case n < 1<<16:
		return append(out, 0x82, byte(n>>8), byte(n))
	}
	return append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
}
