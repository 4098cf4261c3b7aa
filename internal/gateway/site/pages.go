package site

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sync"
	"unicode/utf8"
)

// MaxPage bounds a custom error page, in bytes.
const MaxPage = 256 << 10

// Pages is the error pages of a site. Immutable; nil is the built-in ones alone.
type Pages struct {
	byStatus map[int]*page
}

//go:embed page.html
var builtinText string

var builtin = sync.OnceValue(func() *page { return parsePage(builtinText) })

// LoadPages reads custom pages: HTML files in UTF-8 of at most [MaxPage] bytes, by status from 400 to 599. In them
// {{id}}, {{status}}, {{phrase}}, {{reason}}, {{sentence}} and {{time}} stand for what the answer is about, escaped for
// HTML text and quoted attributes; other pairs of braces stay as they are. All faults are reported together.
func LoadPages(files map[int]string) (*Pages, error) {
	if len(files) == 0 {
		return nil, nil
	}
	p := &Pages{byStatus: make(map[int]*page, len(files))}
	var faults []error
	for _, status := range slices.Sorted(maps.Keys(files)) {
		text, err := readPage(files[status])
		if err == nil && (status < 400 || status > 599) {
			err = errors.New("error pages have a status from 400 to 599")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("load page for %d: %w", status, err))
			continue
		}
		p.byStatus[status] = parsePage(text)
	}
	return p, errors.Join(faults...)
}

func readPage(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, MaxPage+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > MaxPage:
		return "", fmt.Errorf("%s is larger than %d bytes", name, MaxPage)
	case !utf8.Valid(b):
		return "", fmt.Errorf("%s is not UTF-8", name)
	}
	return string(b), nil
}

func (p *Pages) custom(status int) *page {
	if p == nil {
		return nil
	}
	return p.byStatus[status]
}
