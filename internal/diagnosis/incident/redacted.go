package incident

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/lunette-waf/lunette/internal/fact"
	"github.com/lunette-waf/lunette/internal/finding"
)

// Redacted is b without what lets somebody read what visitors sent: the packets without the secrets of their connections, and where a
// connection was in clear without its content; of header fields only those that are known to tell of nobody; no queries, bodies or
// cookies, of paths the first part; and what was masked in one place is masked in every sentence.
func (b *Bundle) Redacted() (*Bundle, error) {
	doc := *b.Document
	doc.Redacted = true
	m := newMasks(&doc)
	out := &Bundle{Document: &doc}
	var err error
	if doc.Facts, err = m.facts(b.Document.Facts); err != nil {
		return nil, fmt.Errorf("redact facts: %w", err)
	}
	record, err := edited(b.Document.Record, m.record)
	if err != nil {
		return nil, fmt.Errorf("redact access record: %w", err)
	}
	har, err := edited(b.HAR, func(v any) { m.tree(v, "") })
	if err != nil {
		return nil, fmt.Errorf("redact %s: %w", HARFile, err)
	}
	m.settle() // all that must not be told is known
	if doc.Facts, err = m.factTexts(doc.Facts); err != nil {
		return nil, fmt.Errorf("redact facts: %w", err)
	}
	if doc.Record, err = edited(record, m.texts); err != nil {
		return nil, fmt.Errorf("redact access record: %w", err)
	}
	if out.HAR, err = edited(har, m.texts); err != nil {
		return nil, fmt.Errorf("redact %s: %w", HARFile, err)
	}
	m.document(&doc)
	if b.Packets != nil {
		if out.Packets, err = withoutSecrets(b.Packets); err != nil {
			return nil, fmt.Errorf("redact %s: %w", PacketsFile, err)
		}
	}
	out.Report = []byte(doc.Report())
	return out, nil
}

// document masks the sentences of doc.
func (m *masks) document(doc *Document) {
	n := &doc.Incident
	for _, text := range []*string{&n.Detail, &n.Title, &n.Summary, &n.Proven, &doc.Sample.Detail} {
		*text = m.text(*text)
	}
	doc.Sample.URL = short(doc.Sample.URL)
	if doc.Finding != nil {
		own := m.cause(doc.Finding)
		doc.Finding = &own
	}
	others := make([]Cause, 0, len(doc.Others))
	for i := range doc.Others {
		others = append(others, m.cause(&doc.Others[i]))
	}
	doc.Others = others
	doc.Missing = slices.Clone(doc.Missing)
	for i := range doc.Missing {
		doc.Missing[i].Why = m.text(doc.Missing[i].Why)
	}
}

// cause masks the sentences of a finding. Its mends and sources are the manual's.
func (m *masks) cause(c *Cause) Cause { return Cause{told(c.Finding, m.text)} }

// told is f with its sentences as say makes them.
func told(f finding.Finding, say func(string) string) finding.Finding {
	f.Title, f.Summary, f.Settle = say(f.Title), say(f.Summary), say(f.Settle)
	f.Proof = slices.Clone(f.Proof)
	for i := range f.Proof {
		f.Proof[i].Text = say(f.Proof[i].Text)
	}
	return f
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

// record masks who asked, and what of the request may be about a person.
func (m *masks) record(v any) {
	record, _ := v.(map[string]any)
	for part, fields := range map[string][]string{"client": {"address", "peer"}, "request": {"query", "referer", "user_agent", "headers"}} {
		of, _ := record[part].(map[string]any)
		for _, f := range fields {
			if text, ok := of[f].(string); ok && text != "" {
				of[f] = m.mask(text)
			} else if of[f] != nil {
				m.learn(of[f])
				of[f] = nil
			}
		}
		if path, ok := of["path"].(string); ok {
			of["path"] = m.short(path)
		}
		if tls, _ := of["tls"].(map[string]any); tls != nil {
			if name, _ := tls["certificate"].(string); name != "" {
				tls["certificate"] = m.mask(name)
			}
		}
	}
	delete(record, "waf") // matched parts are pieces of what was sent
}

// learn notes the values of [["name", "value"], …], which are about to be left out.
func (m *masks) learn(headers any) {
	all, _ := headers.([]any)
	for _, x := range all {
		if pair, _ := x.([]any); len(pair) == 2 {
			name, _ := pair[0].(string)
			value, _ := pair[1].(string)
			m.field(name, value)
		}
	}
}

// facts masks what facts say of a visitor.
func (m *masks) facts(all []Seen) ([]Seen, error) {
	out, err := editedFacts(all, func(v any) { m.tree(v, "") })
	for i := range out {
		s := &out[i]
		switch kind, _ := fact.KindNamed(s.Kind); {
		case kind == fact.ProxyProtocol, kind == fact.WebSocketClose:
			s.Text = m.mask(s.Text)
		case kind == fact.TLSCertificate && s.Side == fact.SideClient.String() && s.Detail != nil: // who shows it may be a visitor
			s.Text, s.Detail = m.mask(s.Text), nil
		}
	}
	return out, err
}

func (m *masks) factTexts(all []Seen) ([]Seen, error) { return editedFacts(all, m.texts) }

func editedFacts(all []Seen, change func(any)) ([]Seen, error) {
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	if text, err = edited(text, change); err != nil {
		return nil, err
	}
	out := []Seen{}
	err = json.Unmarshal(text, &out)
	return out, err
}
