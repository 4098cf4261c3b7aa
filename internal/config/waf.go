package config

import "time"

// WAF is the firewall's settings for a site or route.
type WAF struct {
	_ struct{} `doc:"The web application firewall."`

	Mode              string        `key:"mode" default:"block" enum:"block|detect|off" doc:"detect: record what would have been blocked, block nothing."`
	CoreRules         bool          `key:"core_rules" default:"true" doc:"Use the built-in OWASP Core Rule Set."`
	Paranoia          int           `key:"paranoia" default:"1" min:"1" max:"4" doc:"Paranoia level of the Core Rule Set: more finds more, and more false alarms."`
	InboundThreshold  int           `key:"inbound_threshold" default:"5" min:"1" max:"10000" doc:"Score from which a request is blocked. One critical rule scores 5."`
	OutboundThreshold int           `key:"outbound_threshold" default:"4" min:"1" max:"10000" doc:"Score from which an answer is blocked."`
	Rules             []string      `key:"rules" is:"file" absent:"none" doc:"Files of your own rules (SecLang), in this order. They run after the initialisation of the Core Rule Set (its file 901) and before the rest of it."`
	Exclusions        []Exclusion   `key:"exclusions" absent:"none" doc:"Rules that are not to look at something. lunette explain-block prints the narrowest one for a blocked request."`
	BodyLimit         int64         `key:"body_limit" default:"10MiB" min:"1KiB" max:"1GiB" doc:"Bytes of a request body that rules see. The request waits until they have; more than 64 KiB of it lie in a temporary file."`
	OnLimit           string        `key:"on_limit" default:"refuse" enum:"refuse|partial" doc:"A body over body_limit. refuse: 413 (with mode: detect it passes). partial: inspect the beginning, pass the rest; an attack may hide in the rest."`
	Arguments         int           `key:"arguments" default:"3000" min:"100" max:"100000" doc:"Values of one request that rules look at: fields of the query and of forms, parts. More are refused with 413."`
	Leaves            int           `key:"leaves" default:"10000" min:"100" max:"1000000" doc:"Values of one JSON, XML, GraphQL or protobuf body that rules look at. More are refused with 413."`
	Depth             int           `key:"depth" default:"256" min:"8" max:"10000" doc:"Nesting of such a body. A deeper one is refused as one that cannot be parsed."`
	InspectResponses  bool          `key:"inspect_responses" default:"false" doc:"Let rules see the bodies of answers too (leaked data, error messages). Text, HTML, JSON and XML only."`
	ResponseLimit     int64         `key:"response_limit" default:"512KiB" min:"1KiB" max:"64MiB" doc:"Bytes of an answer that rules see; the rest passes."`
	TimeLimit         time.Duration `key:"time_limit" default:"5s" max:"1m" doc:"Time that rules may spend on one request, see on_error; 0s: off."`
	WorkLimit         int64         `key:"work_limit" default:"1GiB" min:"1MiB" max:"1TiB" doc:"Bytes that rules may look at for one request, each value counted once for every form in which it is looked at. It bounds the work as time_limit does, but equally on a busy machine. See on_error."`
	OnError           string        `key:"on_error" default:"closed" enum:"open|closed" doc:"When the rules fail, or time_limit or work_limit is spent. open: let the request pass. closed: refuse it with 503."`
}

// Exclusion keeps rules from looking at something.
type Exclusion struct {
	_ struct{} `doc:"Rules that are not to look at something. State rule, tag or target, or several of them."`

	Rule   int    `key:"rule" min:"1" max:"999999999" absent:"every rule" doc:"Id of the rule."`
	Tag    string `key:"tag" is:"tag" absent:"whatever its tags" doc:"Every rule with this tag, such as attack-sqli."`
	Target string `key:"target" is:"rule target" absent:"everything that the rule looks at" doc:"Variable that is left out: ARGS:q, REQUEST_COOKIES:session, REQUEST_HEADERS:User-Agent, …"`
	Path   string `key:"path" is:"exclusion path" absent:"the whole site or route" doc:"Only for this path; with / or * at its end (and more before it), for every path that begins so."`
}
