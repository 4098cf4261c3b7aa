package seclang

// Collection reports whether v holds values by key, so that a target may name one: ARGS:foo.
func (v Variable) Collection() bool {
	switch v {
	case VarArgs, VarArgsGet, VarArgsPost, VarArgsPath, VarArgsNames, VarArgsGetNames, VarArgsPostNames,
		VarRequestHeaders, VarRequestHeadersNames, VarRequestCookies, VarRequestCookiesNames,
		VarResponseHeaders, VarResponseHeadersNames, VarResponseArgs,
		VarFiles, VarFilesNames, VarFilesSizes, VarFilesTmpContent, VarFilesTmpnames,
		VarMultipartFilename, VarMultipartName, VarMultipartFilenameCharset, VarMultipartFilenameLanguage, VarMultipartPartHeaders,
		VarMatchedVars, VarMatchedVarsNames, VarTX, VarRule, VarEnv, VarGeo,
		VarJSON, VarRequestXML, VarResponseXML:
		return true
	}
	return v.Persistent()
}

// Persistent reports whether v is a collection that outlives the request: initcol opens it.
func (v Variable) Persistent() bool {
	switch v {
	case VarIP, VarGlobal, VarSession, VarUser, VarResource:
		return true
	}
	return false
}

// CaseSensitive reports whether the case of v's keys counts. It does for arguments only.
func (v Variable) CaseSensitive() bool {
	switch v {
	case VarArgs, VarArgsGet, VarArgsPost, VarArgsPath, VarArgsNames, VarArgsGetNames, VarArgsPostNames:
		return true
	}
	return false
}

// path reports whether what stands behind the colon is a path in a document, such as /* or //@*, and no regular expression.
func (v Variable) path() bool {
	return v == VarRequestXML || v == VarResponseXML || v == VarJSON
}

// Phase is the earliest phase, 1 to 5, in which v is filled as far as it ever is. What may hold something at any time (TX, MATCHED_VAR,
// RULE, the clock) and what parts fill early and late (ARGS) counts from its first value: 1.
func (v Variable) Phase() int {
	switch v {
	case VarArgsPost, VarArgsPostNames, VarFiles, VarFilesNames, VarFilesSizes, VarFilesTmpContent, VarFilesTmpnames, VarFilesCombinedSize,
		VarFullRequest, VarFullRequestLength, VarInboundDataError, VarRequestBody, VarRequestBodyLength,
		VarReqbodyError, VarReqbodyErrorMsg, VarReqbodyProcessorError, VarReqbodyProcessorErrorMsg,
		VarJSON, VarRequestXML,
		VarMultipartBoundaryQuoted, VarMultipartBoundaryWhitespace, VarMultipartCRLFLFLines, VarMultipartDataAfter, VarMultipartDataBefore,
		VarMultipartDuplicatePartHeader, VarMultipartFileLimitExceeded, VarMultipartFilename, VarMultipartFilenameCharset,
		VarMultipartFilenameLanguage, VarMultipartHeaderFolding, VarMultipartInvalidHeaderFolding, VarMultipartInvalidPart,
		VarMultipartInvalidQuoting, VarMultipartLFLine, VarMultipartMissingSemicolon, VarMultipartName, VarMultipartPartHeaders,
		VarMultipartStrictError, VarMultipartUnmatchedBoundary:
		return 2
	case VarResponseHeaders, VarResponseHeadersNames, VarResponseContentType, VarResponseProtocol, VarResponseStatus, VarStatusLine:
		return 3
	case VarResponseBody, VarResponseContentLength, VarResponseArgs, VarResponseXML, VarOutboundDataError,
		VarResBodyError, VarResBodyErrorMsg, VarResBodyProcessor, VarResBodyProcessorError, VarResBodyProcessorErrorMsg:
		return 4
	}
	return 1
}
