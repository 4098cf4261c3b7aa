package incident

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/capture/packet"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/fact"
)

// Redacted is b without what lets somebody read what visitors sent: the packets without the secrets of their connections, and where a
// connection was in clear without its content; bodies, cookies and queries of the HAR masked; the visitor's address and further fields out of
// the access record.
func (b *Bundle) Redacted() (*Bundle, error) {
	doc := *b.Document
	doc.Redacted = true
	doc.Sample.URL = withoutQuery(doc.Sample.URL)
	var err error
	if doc.Facts, err = redactedFacts(b.Document.Facts); err != nil {
		return nil, fmt.Errorf("redact facts: %w", err)
	}
	out := &Bundle{Document: &doc}
	if doc.Record, err = edited(b.Document.Record, maskRecord); err != nil {
		return nil, fmt.Errorf("redact access record: %w", err)
	}
	if out.HAR, err = edited(b.HAR, func(v any) { maskTree(v, "") }); err != nil {
		return nil, fmt.Errorf("redact %s: %w", HARFile, err)
	}
	if b.Packets != nil {
		if out.Packets, err = withoutSecrets(b.Packets); err != nil {
			return nil, fmt.Errorf("redact %s: %w", PacketsFile, err)
		}
	}
	out.Report = []byte(doc.Report())
	return out, nil
}

// masked is what stands for a text; for one that is masked already, itself.
func masked(text string) string {
	if strings.HasPrefix(text, "[masked ") && strings.HasSuffix(text, " bytes]") {
		return text
	}
	return "[masked " + strconv.Itoa(len(text)) + " bytes]"
}

// edited is a JSON text after change.
func edited(text []byte, change func(any)) ([]byte, error) {
	if len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return text, nil
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	change(v)
	return json.MarshalIndent(v, "", "  ")
}

// maskRecord masks who asked, and what of the request may be about a person.
func maskRecord(v any) {
	record, _ := v.(map[string]any)
	for part, fields := range map[string][]string{"client": {"address", "peer"}, "request": {"query", "referer", "user_agent", "headers"}} {
		m, _ := record[part].(map[string]any)
		for _, f := range fields {
			if text, ok := m[f].(string); ok && text != "" {
				m[f] = masked(text)
			} else if m[f] != nil {
				m[f] = nil
			}
		}
	}
	delete(record, "waf") // matched parts are pieces of what was sent
}

// redactedFacts masks what facts say of a visitor.
func redactedFacts(all []Seen) ([]Seen, error) {
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	if text, err = edited(text, func(v any) { maskTree(v, "") }); err != nil {
		return nil, err
	}
	out := []Seen{}
	if err := json.Unmarshal(text, &out); err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].Kind == fact.ProxyProtocol.String() {
			out[i].Text = masked(out[i].Text)
		}
	}
	return out, nil
}

// personal reports whether a header field says who or where a visitor is.
func personal(name string) bool {
	return slices.Contains([]string{"x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "referer", "user-agent", "from", "location",
		"client-cert", "client-cert-chain", "x-arr-clientcert", "ms-aspnetcore-clientcert"}, strings.ToLower(name))
}

// maskTree masks each text of a body, the values of cookies, queries and personal fields, and queries within URLs.
func maskTree(v any, under string) {
	switch v := v.(type) {
	case map[string]any:
		if name, _ := v["name"].(string); personal(name) {
			if value, ok := v["value"].(string); ok {
				v["value"] = masked(value)
			}
		}
		for name, x := range v {
			text, isText := x.(string)
			switch {
			case isText && name == "text" && (under == "content" || under == "postData"),
				isText && name == "value" && (under == "cookies" || under == "queryString" || under == "params"):
				v[name] = masked(text)
			case isText && (name == "url" || name == "target"):
				v[name] = withoutQuery(text)
			default:
				maskTree(x, name)
			}
		}
	case []any:
		for _, x := range v {
			maskTree(x, under)
		}
	}
}

func withoutQuery(url string) string {
	for i := range len(url) {
		if url[i] == '?' {
			return url[:i+1] + masked(url[i+1:])
		}
	}
	return url
}

// withoutSecrets copies packets, but no Decryption Secrets Block, no comment, and no content of connections in clear.
func withoutSecrets(capture []byte) ([]byte, error) {
	in, err := pcap.NewReader(bytes.NewReader(capture), pcap.Config{})
	if err != nil {
		return nil, err
	}
	var to bytes.Buffer
	out, err := pcap.NewWriter(&to, "Lunette, redacted")
	if err != nil {
		return nil, err
	}
	known := 0
	b := blanker{packet.New(), map[direction]bool{}}
	for {
		var p pcap.Packet
		if err := in.Next(&p); errors.Is(err, io.EOF) {
			return to.Bytes(), nil
		} else if err != nil {
			return nil, err
		}
		for all := in.Info().Interfaces; known < len(all); known++ {
			if _, err := out.Interface(all[known]); err != nil {
				return nil, err
			}
		}
		p.Comment = ""
		if !b.blank(&p) {
			continue
		}
		if err := out.Packet(&p); err != nil {
			return nil, err
		}
	}
}

// direction is one side of a connection.
type direction struct{ from, to netip.AddrPort }

// blanker takes content out of packets.
type blanker struct {
	decoder *packet.Decoder
	sealed  map[direction]bool // whether the first bytes of it were a TLS record
}

// blank overwrites what a packet says in clear. It reports false for a packet that cannot be judged, which is left out.
func (b *blanker) blank(p *pcap.Packet) bool {
	const mostICMP = 90 // bytes of a frame: headers, and those of the packet that the error is about
	var s packet.Segment
	switch b.decoder.Decode(p, &s) {
	case packet.ICMPError:
		p.Data = p.Data[:min(len(p.Data), mostICMP)]
		return true
	case packet.TCP:
	default:
		return false
	}
	if len(s.Payload) == 0 {
		return true
	}
	way := direction{s.Src, s.Dst}
	if len(b.sealed) >= mostDirections {
		return false
	}
	sealed, known := b.sealed[way]
	if !known {
		sealed = isRecord(s.Payload)
		b.sealed[way] = sealed
	}
	if sealed {
		return true
	}
	if !within(p.Data, s.Payload) { // it came in fragments
		return false
	}
	for i := range s.Payload {
		s.Payload[i] = 'x'
	}
	return true
}

// within reports whether part lies in all, in memory.
func within(all, part []byte) bool {
	end := cap(all) - cap(part)
	return end >= 0 && end < len(all) && &all[end] == &part[0]
}

const mostDirections = 1 << 16

// isRecord reports whether p begins as a TLS record does (RFC 8446 section 5.1).
func isRecord(p []byte) bool {
	return len(p) >= 3 && p[0] >= 20 && p[0] <= 24 && p[1] == 3 && p[2] <= 4
}
