package rules

import (
	"strings"

	"github.com/lunette-waf/lunette/internal/rules/seclang"
)

// owned returns the directives that a rule file must not give, with what to do instead. They would work against the
// configuration or write files behind its back.
func owned() map[string]string {
	return hints([]hint{
		{"set waf.mode in the configuration", "SecRuleEngine"},
		{"set waf.arguments in the configuration", "SecArgumentsLimit"},
		{"every pattern is found without it", "SecRxPreFilter"},
		{"the Core Rule Set depends on its own; state the actions in each rule", "SecDefaultAction"},
		{"a rule that does not compile is always an error", "SecIgnoreRuleCompilationErrors"},
		{"rules are read from local files only", "SecRemoteRules SecRemoteRulesFailAction SecRemoteTimeout"},
		{"take it out: bodies are always read", "SecRequestBodyAccess"},
		{"set waf.body_limit in the configuration", "SecRequestBodyLimit SecRequestBodyInMemoryLimit SecRequestBodyNoFilesLimit"},
		{"set waf.on_limit in the configuration", "SecRequestBodyLimitAction"},
		{"set waf.depth in the configuration", "SecRequestBodyJsonDepthLimit SecResponseBodyJsonDepthLimit"},
		{"set waf.inspect_responses in the configuration", "SecResponseBodyAccess"},
		{"set waf.response_limit in the configuration; the rest of a longer answer passes", "SecResponseBodyLimit SecResponseBodyLimitAction"},
		{"answers of text, HTML, JSON and XML are looked at with waf.inspect_responses", "SecResponseBodyMimeType SecResponseBodyMimeTypesClear"},
		{"set audit_log in the configuration", "SecAuditEngine SecAuditLog SecAuditLog2 SecAuditLogType SecAuditLogFormat SecAuditLogStorageDir " +
			"SecAuditLogDirMode SecAuditLogFileMode SecAuditLogRelevantStatus SecAuditLogParts SecAuditLogPrefix SecGuardianLog"},
		{"the access log says what rules found; log in the configuration is for Lunette itself", "SecDebugLog SecDebugLogLevel"},
		{"temporary files are Lunette's own", "SecDataDir SecUploadDir SecUploadKeepFiles SecUploadFileMode SecTmpDir SecTmpSaveUploadedFiles"},
		{"a multipart body has at most 1,000 files", "SecUploadFileLimit"},
		{"set waf.on_error in the configuration", "SecInterceptOnError"},
		{"patterns take time in proportion to the value; set waf.work_limit in the configuration", "SecPcreMatchLimit SecPcreMatchLimitRecursion"},
		{"set limits in the configuration", "SecConnEngine SecConnReadStateLimit SecConnWriteStateLimit SecReadStateLimit SecWriteStateLimit"},
		{"waf.rules of a route replaces that of its site", "SecRuleInheritance"},
		{"each site has collections of its own", "SecWebAppId"},
		{"the service manager does that", "SecChrootDir"},
	})
}

// unsupported returns the directives for which there is nothing, with what to do instead.
func unsupported() map[string]string {
	return hints([]hint{
		{"Lua does not run here: write it anew as SecRule", "SecRuleScript"},
		{"lunette check warns of patterns that cost much", "SecRulePerfTime"},
		{"take it out: nothing is reported to anybody", "SecStatusEngine"},
		{"take it out: the answer of the origin passes as it came", "SecServerSignature SecContentInjection SecDisableBackendCompression"},
		{"take it out: rules see bodies whole, up to waf.body_limit", "SecStreamInBodyInspection SecStreamOutBodyInspection"},
		{"take it out: XML that declares entities is refused", "SecXmlExternalEntity"},
		{"take it out: cookies are split at ; as browsers write them", "SecCookieFormat SecCookieV0Separator"},
		{"take it out: t:urlDecodeUni folds by code page 20127", "SecUnicodeMap SecUnicodeMapFile SecUnicodeCodePage"},
		{"name networks with @ipMatchFromFile", "SecGeoLookupDb SecHttpBlKey"},
		{"look for names with @pmFromFile", "SecGsbLookupDb"},
		{"take it out: links are not signed", "SecHashEngine SecHashKey SecHashParam SecHashMethodRx SecHashMethodPm"},
	})
}

// hint is what to do instead of some directives.
type hint struct{ text, names string }

func hints(list []hint) map[string]string {
	m := map[string]string{}
	for _, h := range list {
		for _, name := range strings.Fields(h.names) {
			m[name] = h.text
		}
	}
	return m
}

// moot reports whether d asks for nothing but what is the case anyway, as the recommended configurations of ModSecurity and Coraza do.
func moot(d seclang.Directive) bool {
	want := ""
	switch d.Name {
	case "SecStatusEngine", "SecContentInjection", "SecStreamInBodyInspection", "SecStreamOutBodyInspection", "SecXmlExternalEntity", "SecConnEngine",
		"SecHashEngine", "SecDisableBackendCompression":
		want = "Off"
	case "SecCookieFormat":
		want = "0"
	case "SecCookieV0Separator":
		want = ";"
	case "SecUnicodeMap", "SecUnicodeMapFile", "SecUnicodeCodePage":
		want = "20127"
	}
	return want != "" && len(d.Args) > 0 && strings.EqualFold(d.Args[len(d.Args)-1].Text, want)
}

// recommended reports whether id is one of modsecurity.conf-recommended or coraza.conf-recommended by which bodies are read and refused: Lunette
// has such rules of its own. 200009 (URI_PARSE_ERROR) is not among them: it is taken as it is.
func recommended(id int) bool { return id >= 200_000 && id < 200_008 }
