package rules

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
	"github.com/lunette-waf/lunette/internal/spelling"
)

// levelRules run behind the user's rules. The Core Rule Set derives the detection level from the blocking level before those have run: one that
// raises the blocking level for some requests would run no further rule. Where none does, they fold away.
const levelRules = `SecRule TX:detection_paranoia_level "@lt %{tx.blocking_paranoia_level}" "id:40000004,phase:1,pass,nolog,t:none,setvar:tx.detection_paranoia_level=%{tx.blocking_paranoia_level}"
SecRule TX:detection_paranoia_level "@lt %{tx.blocking_paranoia_level}" "id:40000005,phase:2,pass,nolog,t:none,setvar:tx.detection_paranoia_level=%{tx.blocking_paranoia_level}"
`

// decided returns the TX variables that the configuration sets before the first rule, and those that had their part in version 3 of the
// Core Rule Set, each with its key.
func decided() map[string]string {
	return map[string]string{
		"blocking_paranoia_level": "waf.paranoia", "detection_paranoia_level": "waf.paranoia",
		"paranoia_level": "waf.paranoia", "executing_paranoia_level": "waf.paranoia",
		"inbound_anomaly_score_threshold": "waf.inbound_threshold", "outbound_anomaly_score_threshold": "waf.outbound_threshold",
		"allowed_methods": "methods of the site",
	}
}

// checkDecided refuses a SecAction that sets for every request what the configuration decides, as a crs-setup.conf does: its neighbours
// would go on by the configuration. A SecRule, and what a skip may pass over, sets it for some requests, which is as good as any rule.
func checkDecided(own []seclang.Directive) (faults []Fault) {
	keys, markers := decided(), markersOf(own)
	until := 0       // a rule before may skip to here
	chained := false // the directive goes on with a chain
	for i, d := range own {
		if d.Rule == nil {
			continue
		}
		always := !chained && d.Name == "SecAction" && i >= until
		chained = false
		for _, a := range d.Rule.Actions {
			switch a.ID {
			case seclang.ActChain:
				chained, always = true, false // what follows is a condition
			case seclang.ActSkip:
				n, _ := strconv.Atoi(a.Value) // the parser has seen to it
				until = max(until, i+1+n)
			case seclang.ActSkipAfter:
				at, here := markers[a.Value]
				if !here {
					at = len(own)
				}
				until = max(until, at)
			}
		}
		if !always {
			continue
		}
		for _, a := range d.Rule.Actions {
			name := setsTX(a)
			if keys[name] == "" {
				continue
			}
			f := about(d, "tx."+name+" must not be set for all requests", "set "+keys[name]+" in the configuration; for some requests a SecRule may set it")
			f.Position = a.Position
			faults = append(faults, f)
		}
	}
	return faults
}

// markersOf returns where the markers of list stand, by name: the last of those that share one.
func markersOf(list []seclang.Directive) map[string]int {
	markers := map[string]int{}
	for i, d := range list {
		if d.Name == "SecMarker" && len(d.Args) > 0 {
			markers[d.Args[0].Text] = i
		}
	}
	return markers
}

// setsTX returns the TX variable that a sets, in lower case, "" for none.
func setsTX(a seclang.Action) string {
	if a.ID != seclang.ActSetvar {
		return ""
	}
	v, err := seclang.ParseSetvar(a.Value)
	if err != nil || v.Collection != seclang.VarTX {
		return ""
	}
	name, _ := v.Key.Constant()
	return strings.ToLower(name)
}

// checkTags refuses tags of exclusions that no rule has.
func checkTags(list []Exclusion, groups ...[]seclang.Directive) (faults []Fault) {
	var tags []string
	for i, x := range list {
		if x.Tag == "" || x.check(nil).Field == "tag" {
			continue
		}
		if tags == nil {
			tags = tagsOf(groups)
		}
		if _, ok := slices.BinarySearch(tags, x.Tag); ok {
			continue
		}
		f := Fault{Exclusion: i + 1, Field: "tag"}
		f.Text, f.Hint = "no rule has the tag \""+x.Tag+"\"", "tags stand in the access log, under waf.rules"
		if near := spelling.Nearest(x.Tag, tags); near != "" {
			f.Hint = "did you mean " + near + "?"
		}
		faults = append(faults, f)
	}
	return faults
}

// tagsOf returns the tags of all rules, sorted, each once.
func tagsOf(groups [][]seclang.Directive) []string {
	tags := []string{}
	for _, list := range groups {
		for _, d := range list {
			if d.Rule == nil {
				continue
			}
			for _, a := range d.Rule.Actions {
				if a.ID == seclang.ActTag {
					tags = append(tags, a.Value)
				}
			}
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}
