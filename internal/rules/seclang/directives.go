package seclang

// shape is how the words behind a directive's name are read.
type shape uint8

const (
	shapeWords     shape = iota // words between blanks
	shapeRest                   // one text: a quoted word, or all that stands there
	shapeRule                   // targets, operator, actions
	shapeAction                 // actions
	shapeDefault                // actions that other rules inherit
	shapeIDs                    // ids and ranges
	shapeTargets                // of which rules, by id; targets
	shapeTargetsBy              // of which rules, by a text; targets
	shapeActions                // of which rules, by id; actions
	shapeInclude
)

// rest reports whether all that stands behind the name is one word, where no quote says otherwise.
func (s shape) rest() bool { return s == shapeRest || s == shapeInclude || s == shapeDefault }

// directiveSpec is a directive: its name, how it is read, and how many words it takes.
type directiveSpec struct {
	name        string
	shape       shape
	least, most int
}

// directiveSpecs lists every directive that Coraza 3.8 or the manual of ModSecurity knows. What a gateway's own settings say better is
// read like the rest: the caller refuses it, by name.
func directiveSpecs() []directiveSpec {
	return []directiveSpec{
		{"SecRule", shapeRule, 2, 3},
		{"SecAction", shapeAction, 1, 1},
		{"SecMarker", shapeRest, 1, 1},
		{"SecDefaultAction", shapeDefault, 1, 1},
		{"SecComponentSignature", shapeRest, 1, 1},
		{"Include", shapeInclude, 1, 1},
		{"SecRuleRemoveById", shapeIDs, 1, 1000},
		{"SecRuleRemoveByTag", shapeRest, 1, 1},
		{"SecRuleRemoveByMsg", shapeRest, 1, 1},
		{"SecRuleUpdateTargetById", shapeTargets, 2, 1000},
		{"SecRuleUpdateTargetByTag", shapeTargetsBy, 2, 2},
		{"SecRuleUpdateTargetByMsg", shapeTargetsBy, 2, 2},
		{"SecRuleUpdateActionById", shapeActions, 2, 1000},
		{"SecRuleScript", shapeWords, 1, 2},
		{"SecDataset", shapeWords, 2, 2},

		{"SecRuleEngine", shapeWords, 1, 1},
		{"SecRulePerfTime", shapeWords, 1, 1},
		{"SecRuleInheritance", shapeWords, 1, 1},
		{"SecIgnoreRuleCompilationErrors", shapeWords, 1, 1},
		{"SecRxPreFilter", shapeWords, 1, 1},
		{"SecArgumentSeparator", shapeWords, 1, 1},
		{"SecArgumentsLimit", shapeWords, 1, 1},
		{"SecParseXmlIntoArgs", shapeWords, 1, 1},
		{"SecXmlExternalEntity", shapeWords, 1, 1},
		{"SecCookieFormat", shapeWords, 1, 1},
		{"SecCookieV0Separator", shapeWords, 1, 1},
		{"SecUnicodeMap", shapeWords, 1, 2},
		{"SecUnicodeMapFile", shapeWords, 1, 2},
		{"SecUnicodeCodePage", shapeWords, 1, 1},
		{"SecWebAppId", shapeRest, 1, 1},
		{"SecSensorId", shapeRest, 1, 1},
		{"SecServerSignature", shapeRest, 1, 1},
		{"SecCollectionTimeout", shapeWords, 1, 1},
		{"SecDataDir", shapeRest, 1, 1},
		{"SecTmpDir", shapeRest, 1, 1},
		{"SecInterceptOnError", shapeWords, 1, 1},
		{"SecStatusEngine", shapeWords, 1, 1},
		{"SecChrootDir", shapeRest, 1, 1},

		{"SecRequestBodyAccess", shapeWords, 1, 1},
		{"SecRequestBodyLimit", shapeWords, 1, 1},
		{"SecRequestBodyLimitAction", shapeWords, 1, 1},
		{"SecRequestBodyNoFilesLimit", shapeWords, 1, 1},
		{"SecRequestBodyInMemoryLimit", shapeWords, 1, 1},
		{"SecRequestBodyJsonDepthLimit", shapeWords, 1, 1},
		{"SecResponseBodyAccess", shapeWords, 1, 1},
		{"SecResponseBodyLimit", shapeWords, 1, 1},
		{"SecResponseBodyLimitAction", shapeWords, 1, 1},
		{"SecResponseBodyMimeType", shapeWords, 1, 1000},
		{"SecResponseBodyMimeTypesClear", shapeWords, 0, 0},
		{"SecResponseBodyJsonDepthLimit", shapeWords, 1, 1},
		{"SecStreamInBodyInspection", shapeWords, 1, 1},
		{"SecStreamOutBodyInspection", shapeWords, 1, 1},
		{"SecContentInjection", shapeWords, 1, 1},
		{"SecDisableBackendCompression", shapeWords, 1, 1},
		{"SecUploadDir", shapeRest, 1, 1},
		{"SecUploadFileLimit", shapeWords, 1, 1},
		{"SecUploadFileMode", shapeWords, 1, 1},
		{"SecUploadKeepFiles", shapeWords, 1, 1},
		{"SecTmpSaveUploadedFiles", shapeWords, 1, 1},

		{"SecAuditEngine", shapeWords, 1, 1},
		{"SecAuditLog", shapeRest, 1, 1},
		{"SecAuditLog2", shapeRest, 1, 1},
		{"SecAuditLogType", shapeWords, 1, 1},
		{"SecAuditLogFormat", shapeWords, 1, 1},
		{"SecAuditLogParts", shapeWords, 1, 1},
		{"SecAuditLogPrefix", shapeRest, 1, 1},
		{"SecAuditLogRelevantStatus", shapeRest, 1, 1},
		{"SecAuditLogStorageDir", shapeRest, 1, 1},
		{"SecAuditLogDirMode", shapeWords, 1, 1},
		{"SecAuditLogFileMode", shapeWords, 1, 1},
		{"SecDebugLog", shapeRest, 1, 1},
		{"SecDebugLogLevel", shapeWords, 1, 1},
		{"SecGuardianLog", shapeRest, 1, 1},

		{"SecRemoteRules", shapeWords, 1, 3},
		{"SecRemoteRulesFailAction", shapeWords, 1, 1},
		{"SecRemoteTimeout", shapeWords, 1, 1},
		{"SecPcreMatchLimit", shapeWords, 1, 1},
		{"SecPcreMatchLimitRecursion", shapeWords, 1, 1},
		{"SecConnEngine", shapeWords, 1, 1},
		{"SecConnReadStateLimit", shapeWords, 1, 3},
		{"SecConnWriteStateLimit", shapeWords, 1, 3},
		{"SecReadStateLimit", shapeWords, 1, 3},
		{"SecWriteStateLimit", shapeWords, 1, 3},
		{"SecGeoLookupDb", shapeRest, 1, 1},
		{"SecGsbLookupDb", shapeRest, 1, 1},
		{"SecHttpBlKey", shapeWords, 1, 1},
		{"SecHashEngine", shapeWords, 1, 1},
		{"SecHashKey", shapeWords, 1, 2},
		{"SecHashParam", shapeWords, 1, 1},
		{"SecHashMethodRx", shapeWords, 2, 2},
		{"SecHashMethodPm", shapeWords, 2, 2},
	}
}

// DirectiveNames lists every directive that the parser knows, those included that a caller refuses.
func DirectiveNames() []string {
	specs := directiveSpecs()
	names := make([]string, len(specs))
	for i := range specs {
		names[i] = specs[i].name
	}
	return names
}
