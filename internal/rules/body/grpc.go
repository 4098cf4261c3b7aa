package body

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/binary"
	"io"
	"strings"
)

// grpc reads a stream of gRPC or gRPC-Web: messages of protobuf, each behind a flag and a length. The field 3 in the field 1 of each is named
// grpc.1.3.
func (r *Result) grpc(contentType, text string, partial bool, l Limits) {
	if isGRPCText(contentType) {
		decoded, ok := r.base64(text)
		if !ok {
			r.fail(0, "read gRPC: not base64")
		}
		text = decoded
	}
	const head = 5
	left := grpcLeft{decoded: l.Decoded, names: max(maxNames*len(text), minNames)}
	for at := 0; at < len(text); {
		r.steps++
		if len(text)-at < head {
			if !partial {
				r.fail(at, "read gRPC: the head of a message is cut")
			}
			return
		}
		flag, size := text[at], uint64(binary.BigEndian.Uint32([]byte(text[at+1:at+head])))
		from := at + head
		cut := size > uint64(len(text)-from)
		at = len(text)
		if !cut {
			at = from + int(size)
		}
		r.key = append(r.key[:0], "grpc"...)
		r.grpcMessage(flag, text[from:at], from, cut && partial, l, &left)
		if cut && !partial {
			r.fail(from, "read gRPC: a message is cut")
		}
		if r.TooMany {
			return
		}
	}
}

// grpcLeft is what the messages of one stream may still come to, in bytes.
type grpcLeft struct{ decoded, names int }

// grpcMessage reads one message. Bit 0 of the flag says that it is compressed, bit 7 that it is the trailer of gRPC-Web.
func (r *Result) grpcMessage(flag byte, text string, at int, partial bool, l Limits, left *grpcLeft) {
	if flag&^0x81 != 0 {
		r.fail(at, "read gRPC: flags %#x that there are not", flag)
	}
	if flag&1 != 0 {
		text = r.decompress(text, at, partial, &left.decoded)
		left.names += maxNames * len(text)
	}
	if flag&0x80 != 0 {
		r.add("grpc.trailer", text, l)
		return
	}
	r.pbMessage(text, at, partial, l, &left.names)
}

// decompress undoes gzip and zlib, the codings that gRPC itself knows; which one it is shows in the first bytes. It goes up to left bytes.
func (r *Result) decompress(text string, at int, partial bool, left *int) string {
	var in io.Reader
	var err error
	switch {
	case text == "":
		return ""
	case strings.HasPrefix(text, "\x1f\x8b"):
		in, err = gzip.NewReader(strings.NewReader(text))
	default:
		in, err = zlib.NewReader(strings.NewReader(text))
	}
	if err != nil {
		if !partial {
			r.fail(at, "read gRPC: a message compressed in a way that is not known")
		}
		return ""
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(in, int64(*left)+1))
	if n > int64(*left) {
		r.TooMany = true
		out.Truncate(*left)
	}
	*left -= out.Len()
	if err != nil && !partial {
		r.fail(at, "read gRPC: a compressed message is broken")
	}
	return view(out.Bytes())
}
