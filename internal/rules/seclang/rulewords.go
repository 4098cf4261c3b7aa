package seclang

// OperatorID is an operator of the language.
type OperatorID uint8

// The operators, by their names in rules. OpAlways is that of SecAction.
const (
	OpAlways               OperatorID = iota
	OpRx                              // @rx
	OpPm                              // @pm
	OpPmFromFile                      // @pmFromFile
	OpPmFromDataset                   // @pmFromDataset
	OpContains                        // @contains
	OpContainsWord                    // @containsWord
	OpBeginsWith                      // @beginsWith
	OpEndsWith                        // @endsWith
	OpStreq                           // @streq
	OpStrmatch                        // @strmatch
	OpWithin                          // @within
	OpEq                              // @eq
	OpGe                              // @ge
	OpGt                              // @gt
	OpLe                              // @le
	OpLt                              // @lt
	OpNoMatch                         // @noMatch
	OpUnconditionalMatch              // @unconditionalMatch
	OpIpMatch                         // @ipMatch
	OpIpMatchFromFile                 // @ipMatchFromFile
	OpIpMatchFromDataset              // @ipMatchFromDataset
	OpGeoLookup                       // @geoLookup
	OpRbl                             // @rbl
	OpInspectFile                     // @inspectFile
	OpRestpath                        // @restpath
	OpDetectSQLi                      // @detectSQLi
	OpDetectXSS                       // @detectXSS
	OpValidateByteRange               // @validateByteRange
	OpValidateUrlEncoding             // @validateUrlEncoding
	OpValidateUtf8Encoding            // @validateUtf8Encoding
	OpValidateNid                     // @validateNid
	OpValidateSchema                  // @validateSchema
	OpVerifyCC                        // @verifyCC
	OpVerifySSN                       // @verifySSN
	OpVerifyCPF                       // @verifyCPF
	Operators                         // how many there are
)

func operatorNames() [Operators]string {
	return [Operators]string{
		OpRx:                   "rx",
		OpPm:                   "pm",
		OpPmFromFile:           "pmFromFile",
		OpPmFromDataset:        "pmFromDataset",
		OpContains:             "contains",
		OpContainsWord:         "containsWord",
		OpBeginsWith:           "beginsWith",
		OpEndsWith:             "endsWith",
		OpStreq:                "streq",
		OpStrmatch:             "strmatch",
		OpWithin:               "within",
		OpEq:                   "eq",
		OpGe:                   "ge",
		OpGt:                   "gt",
		OpLe:                   "le",
		OpLt:                   "lt",
		OpNoMatch:              "noMatch",
		OpUnconditionalMatch:   "unconditionalMatch",
		OpIpMatch:              "ipMatch",
		OpIpMatchFromFile:      "ipMatchFromFile",
		OpIpMatchFromDataset:   "ipMatchFromDataset",
		OpGeoLookup:            "geoLookup",
		OpRbl:                  "rbl",
		OpInspectFile:          "inspectFile",
		OpRestpath:             "restpath",
		OpDetectSQLi:           "detectSQLi",
		OpDetectXSS:            "detectXSS",
		OpValidateByteRange:    "validateByteRange",
		OpValidateUrlEncoding:  "validateUrlEncoding",
		OpValidateUtf8Encoding: "validateUtf8Encoding",
		OpValidateNid:          "validateNid",
		OpValidateSchema:       "validateSchema",
		OpVerifyCC:             "verifyCC",
		OpVerifySSN:            "verifySSN",
		OpVerifyCPF:            "verifyCPF",
	}
}

// ActionID is an action of the language.
type ActionID uint8

// The actions, by their names in rules.
const (
	ActNone                   ActionID = iota
	ActId                              // id
	ActPhase                           // phase
	ActMsg                             // msg
	ActLogdata                         // logdata
	ActSeverity                        // severity
	ActTag                             // tag
	ActRev                             // rev
	ActVer                             // ver
	ActMaturity                        // maturity
	ActAccuracy                        // accuracy
	ActStatus                          // status
	ActPass                            // pass
	ActBlock                           // block
	ActDeny                            // deny
	ActDrop                            // drop
	ActAllow                           // allow
	ActRedirect                        // redirect
	ActProxy                           // proxy
	ActLog                             // log
	ActNolog                           // nolog
	ActAuditlog                        // auditlog
	ActNoauditlog                      // noauditlog
	ActCapture                         // capture
	ActMultiMatch                      // multiMatch
	ActChain                           // chain
	ActSkip                            // skip
	ActSkipAfter                       // skipAfter
	ActT                               // t
	ActCtl                             // ctl
	ActSetvar                          // setvar
	ActSetenv                          // setenv
	ActExpirevar                       // expirevar
	ActDeprecatevar                    // deprecatevar
	ActInitcol                         // initcol
	ActSetsid                          // setsid
	ActSetuid                          // setuid
	ActSetrsc                          // setrsc
	ActExec                            // exec
	ActSanitiseArg                     // sanitiseArg
	ActSanitiseMatched                 // sanitiseMatched
	ActSanitiseMatchedBytes            // sanitiseMatchedBytes
	ActSanitiseRequestHeader           // sanitiseRequestHeader
	ActSanitiseResponseHeader          // sanitiseResponseHeader
	ActAppend                          // append
	ActPrepend                         // prepend
	ActPause                           // pause
	ActXmlns                           // xmlns
	Actions                            // how many there are
)

func actionNames() [Actions]string {
	return [Actions]string{
		ActId:                     "id",
		ActPhase:                  "phase",
		ActMsg:                    "msg",
		ActLogdata:                "logdata",
		ActSeverity:               "severity",
		ActTag:                    "tag",
		ActRev:                    "rev",
		ActVer:                    "ver",
		ActMaturity:               "maturity",
		ActAccuracy:               "accuracy",
		ActStatus:                 "status",
		ActPass:                   "pass",
		ActBlock:                  "block",
		ActDeny:                   "deny",
		ActDrop:                   "drop",
		ActAllow:                  "allow",
		ActRedirect:               "redirect",
		ActProxy:                  "proxy",
		ActLog:                    "log",
		ActNolog:                  "nolog",
		ActAuditlog:               "auditlog",
		ActNoauditlog:             "noauditlog",
		ActCapture:                "capture",
		ActMultiMatch:             "multiMatch",
		ActChain:                  "chain",
		ActSkip:                   "skip",
		ActSkipAfter:              "skipAfter",
		ActT:                      "t",
		ActCtl:                    "ctl",
		ActSetvar:                 "setvar",
		ActSetenv:                 "setenv",
		ActExpirevar:              "expirevar",
		ActDeprecatevar:           "deprecatevar",
		ActInitcol:                "initcol",
		ActSetsid:                 "setsid",
		ActSetuid:                 "setuid",
		ActSetrsc:                 "setrsc",
		ActExec:                   "exec",
		ActSanitiseArg:            "sanitiseArg",
		ActSanitiseMatched:        "sanitiseMatched",
		ActSanitiseMatchedBytes:   "sanitiseMatchedBytes",
		ActSanitiseRequestHeader:  "sanitiseRequestHeader",
		ActSanitiseResponseHeader: "sanitiseResponseHeader",
		ActAppend:                 "append",
		ActPrepend:                "prepend",
		ActPause:                  "pause",
		ActXmlns:                  "xmlns",
	}
}

// String is the operator's name in rules, without @.
func (o OperatorID) String() string { return operatorNames()[o] }

// String is the action's name in rules.
func (a ActionID) String() string { return actionNames()[a] }
