package cli

import (
	"github.com/lunette-waf/lunette/internal/capture/filter"
	"github.com/lunette-waf/lunette/internal/capture/pcap"
	"github.com/lunette-waf/lunette/internal/capture/sniff"
)

// addFilter compiles a filter expression for packets of a link type into cfg; "" is all packets.
func addFilter(cfg *sniff.Config, expr string, link pcap.LinkType) error {
	if expr == "" {
		return nil
	}
	program, err := filter.CompileLive(expr, link, sniff.DefaultSnap)
	if err != nil {
		return err
	}
	cfg.Filter = program
	return nil
}
