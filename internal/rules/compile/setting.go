package compile

import (
	"strconv"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// maxTimeout is the longest SecCollectionTimeout, in seconds: ten years.
const maxTimeout = 10 * 365 * 24 * 3600

// setting takes a directive that is no rule; of two the last one holds. What the caller decides about is not looked at.
func (b *builder) setting(d *seclang.Directive) {
	if len(d.Args) == 0 {
		return
	}
	at, text := d.Args[0].Position, strings.TrimSpace(d.Args[0].Text)
	switch d.Name {
	case "SecCollectionTimeout":
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxTimeout {
			b.fault(at, "write seconds, such as 3600", "SecCollectionTimeout takes a number from 1 to %d, not %q", maxTimeout, text)
			return
		}
		b.settings.Timeout = time.Duration(n) * time.Second
	case "SecArgumentSeparator":
		if len(text) != 1 || !separates(text[0]) {
			b.fault(at, "write & or ;", "SecArgumentSeparator takes one sign of punctuation, not %q", text)
			return
		}
		b.settings.Separator = text[0]
	case "SecParseXmlIntoArgs":
		switch {
		case strings.EqualFold(text, "On"):
			b.settings.XMLArgs = seclang.ModeOn
		case strings.EqualFold(text, "OnlyArgs"):
			b.settings.XMLArgs = seclang.ModeOnlyArgs
		case strings.EqualFold(text, "Off"):
			b.settings.XMLArgs = seclang.ModeOff
		default:
			b.fault(at, "", "SecParseXmlIntoArgs takes On, Off or OnlyArgs, not %q", text)
		}
	}
}

// separates reports whether c can stand between pairs: what has a meaning within them cannot.
func separates(c byte) bool {
	return strings.IndexByte("!\"#$&'()*,/:;<>?@[\\]^`{|}~", c) >= 0
}
