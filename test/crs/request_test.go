package crs_test

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

const (
	contentType = "Content-Type"
	formType    = "application/x-www-form-urlencoded"
)

// bytes returns the request as it goes over the wire, byte for byte what the file says. Only where it does not switch that off are added: a Content-Type
// and a Content-Length for data, and Connection: close. Data of a form that holds no escapes is escaped; the lines of a multipart body end with CR LF.
func (in *input) bytes() ([]byte, error) {
	if in.Encoded != "" {
		return in.raw()
	}
	method, data, h, auto := or(in.Method, "GET"), expanded(or(in.Data, "")), slices.Clone(in.Headers), or(in.Auto, true)
	if data != "" && auto {
		h.add(contentType, formType)
		if h[h.get(contentType)].value == formType {
			data = escaped(data)
		}
	}
	if i := h.get(contentType); i >= 0 && strings.HasPrefix(h[i].value, "multipart/form-data;") {
		data = strings.ReplaceAll(data, "\n", "\r\n")
	}
	if auto {
		h.add("Connection", "close")
		if data != "" || method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE" {
			h.add("Content-Length", strconv.Itoa(len(data)))
		}
	}
	var b strings.Builder
	b.WriteString(method + " " + or(in.URI, "/") + " " + or(in.Version, "HTTP/1.1") + "\r\n")
	for _, f := range h {
		b.WriteString(f.name + ": " + f.value + "\r\n")
	}
	b.WriteString("\r\n" + data)
	return []byte(b.String()), nil
}

// expanded fills in data that is written as a template, such as {{ "1" | repeat 64200 }}. What is none stays as it is.
func expanded(data string) string {
	if !strings.Contains(data, "{{") {
		return data
	}
	t, err := template.New("data").Funcs(template.FuncMap{"repeat": func(n int, s string) string { return strings.Repeat(s, n) }}).Parse(data)
	if err != nil {
		return data
	}
	var b strings.Builder
	if t.Execute(&b, nil) != nil {
		return data
	}
	return b.String()
}

func or[T any](p *T, absent T) T {
	if p == nil {
		return absent
	}
	return *p
}

// escaped escapes names and values of a form in which nothing is escaped yet: the files hold them in clear.
func escaped(data string) string {
	if plain, err := url.QueryUnescape(data); err != nil || plain != data {
		return data
	}
	pairs := strings.Split(data, "&")
	for i, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if pairs[i] = url.QueryEscape(name); ok {
			pairs[i] += "=" + url.QueryEscape(value)
		}
	}
	return strings.Join(pairs, "&")
}
