package seclang

// Variable is a variable of the language.
type Variable uint8

// The variables, by their names in rules.
const (
	VarNone                          Variable = iota
	VarResponseContentType                    // RESPONSE_CONTENT_TYPE
	VarUniqueID                               // UNIQUE_ID
	VarArgsCombinedSize                       // ARGS_COMBINED_SIZE
	VarFilesCombinedSize                      // FILES_COMBINED_SIZE
	VarFullRequestLength                      // FULL_REQUEST_LENGTH
	VarInboundDataError                       // INBOUND_DATA_ERROR
	VarMatchedVar                             // MATCHED_VAR
	VarMatchedVarName                         // MATCHED_VAR_NAME
	VarMultipartDataAfter                     // MULTIPART_DATA_AFTER
	VarOutboundDataError                      // OUTBOUND_DATA_ERROR
	VarQueryString                            // QUERY_STRING
	VarRemoteAddr                             // REMOTE_ADDR
	VarRemoteHost                             // REMOTE_HOST
	VarRemotePort                             // REMOTE_PORT
	VarReqbodyError                           // REQBODY_ERROR
	VarReqbodyErrorMsg                        // REQBODY_ERROR_MSG
	VarReqbodyProcessorError                  // REQBODY_PROCESSOR_ERROR
	VarReqbodyProcessorErrorMsg               // REQBODY_PROCESSOR_ERROR_MSG
	VarReqbodyProcessor                       // REQBODY_PROCESSOR
	VarRequestBasename                        // REQUEST_BASENAME
	VarRequestBody                            // REQUEST_BODY
	VarRequestBodyLength                      // REQUEST_BODY_LENGTH
	VarRequestFilename                        // REQUEST_FILENAME
	VarRequestLine                            // REQUEST_LINE
	VarRequestMethod                          // REQUEST_METHOD
	VarRequestProtocol                        // REQUEST_PROTOCOL
	VarRequestURI                             // REQUEST_URI
	VarRequestURIRaw                          // REQUEST_URI_RAW
	VarResponseBody                           // RESPONSE_BODY
	VarResponseContentLength                  // RESPONSE_CONTENT_LENGTH
	VarResponseProtocol                       // RESPONSE_PROTOCOL
	VarResponseStatus                         // RESPONSE_STATUS
	VarServerAddr                             // SERVER_ADDR
	VarServerName                             // SERVER_NAME
	VarServerPort                             // SERVER_PORT
	VarHighestSeverity                        // HIGHEST_SEVERITY
	VarStatusLine                             // STATUS_LINE
	VarDuration                               // DURATION
	VarResponseHeadersNames                   // RESPONSE_HEADERS_NAMES
	VarRequestHeadersNames                    // REQUEST_HEADERS_NAMES
	VarArgs                                   // ARGS
	VarArgsGet                                // ARGS_GET
	VarArgsPost                               // ARGS_POST
	VarArgsPath                               // ARGS_PATH
	VarFilesSizes                             // FILES_SIZES
	VarFilesNames                             // FILES_NAMES
	VarFilesTmpContent                        // FILES_TMP_CONTENT
	VarMultipartFilename                      // MULTIPART_FILENAME
	VarMultipartName                          // MULTIPART_NAME
	VarMultipartFilenameCharset               // MULTIPART_FILENAME_CHARSET
	VarMultipartFilenameLanguage              // MULTIPART_FILENAME_LANGUAGE
	VarMultipartDuplicatePartHeader           // MULTIPART_DUPLICATE_PART_HEADER
	VarMatchedVarsNames                       // MATCHED_VARS_NAMES
	VarMatchedVars                            // MATCHED_VARS
	VarFiles                                  // FILES
	VarRequestCookies                         // REQUEST_COOKIES
	VarRequestHeaders                         // REQUEST_HEADERS
	VarResponseHeaders                        // RESPONSE_HEADERS
	VarResBodyProcessor                       // RES_BODY_PROCESSOR
	VarGeo                                    // GEO
	VarRequestCookiesNames                    // REQUEST_COOKIES_NAMES
	VarFilesTmpnames                          // FILES_TMPNAMES
	VarArgsNames                              // ARGS_NAMES
	VarArgsGetNames                           // ARGS_GET_NAMES
	VarArgsPostNames                          // ARGS_POST_NAMES
	VarTX                                     // TX
	VarRule                                   // RULE
	VarJSON                                   // JSON
	VarEnv                                    // ENV
	VarUrlencodedError                        // URLENCODED_ERROR
	VarResponseArgs                           // RESPONSE_ARGS
	VarResponseXML                            // RESPONSE_XML
	VarRequestXML                             // REQUEST_XML, XML
	VarMultipartPartHeaders                   // MULTIPART_PART_HEADERS
	VarResBodyError                           // RES_BODY_ERROR
	VarResBodyErrorMsg                        // RES_BODY_ERROR_MSG
	VarResBodyProcessorError                  // RES_BODY_PROCESSOR_ERROR
	VarResBodyProcessorErrorMsg               // RES_BODY_PROCESSOR_ERROR_MSG
	VarTime                                   // TIME
	VarTimeDay                                // TIME_DAY
	VarTimeEpoch                              // TIME_EPOCH
	VarTimeHour                               // TIME_HOUR
	VarTimeMin                                // TIME_MIN
	VarTimeMon                                // TIME_MON
	VarTimeSec                                // TIME_SEC
	VarTimeWday                               // TIME_WDAY
	VarTimeYear                               // TIME_YEAR
	VarAuthType                               // AUTH_TYPE
	VarFullRequest                            // FULL_REQUEST
	VarMultipartBoundaryQuoted                // MULTIPART_BOUNDARY_QUOTED
	VarMultipartBoundaryWhitespace            // MULTIPART_BOUNDARY_WHITESPACE
	VarMultipartCRLFLFLines                   // MULTIPART_CRLF_LF_LINES
	VarMultipartDataBefore                    // MULTIPART_DATA_BEFORE
	VarMultipartFileLimitExceeded             // MULTIPART_FILE_LIMIT_EXCEEDED
	VarMultipartHeaderFolding                 // MULTIPART_HEADER_FOLDING
	VarMultipartInvalidHeaderFolding          // MULTIPART_INVALID_HEADER_FOLDING
	VarMultipartInvalidPart                   // MULTIPART_INVALID_PART
	VarMultipartInvalidQuoting                // MULTIPART_INVALID_QUOTING
	VarMultipartLFLine                        // MULTIPART_LF_LINE
	VarMultipartMissingSemicolon              // MULTIPART_MISSING_SEMICOLON
	VarMultipartStrictError                   // MULTIPART_STRICT_ERROR
	VarMultipartUnmatchedBoundary             // MULTIPART_UNMATCHED_BOUNDARY
	VarPathInfo                               // PATH_INFO
	VarSessionid                              // SESSIONID
	VarUserid                                 // USERID
	VarIP                                     // IP
	VarGlobal                                 // GLOBAL
	VarSession                                // SESSION
	VarUser                                   // USER
	VarResource                               // RESOURCE
	VarURIParseError                          // URI_PARSE_ERROR
	VarArgumentsLimitReached                  // ARGUMENTS_LIMIT_REACHED
	Variables                                 // how many there are
)

func variableNames() [Variables]string {
	return [Variables]string{
		VarResponseContentType:          "RESPONSE_CONTENT_TYPE",
		VarUniqueID:                     "UNIQUE_ID",
		VarArgsCombinedSize:             "ARGS_COMBINED_SIZE",
		VarFilesCombinedSize:            "FILES_COMBINED_SIZE",
		VarFullRequestLength:            "FULL_REQUEST_LENGTH",
		VarInboundDataError:             "INBOUND_DATA_ERROR",
		VarMatchedVar:                   "MATCHED_VAR",
		VarMatchedVarName:               "MATCHED_VAR_NAME",
		VarMultipartDataAfter:           "MULTIPART_DATA_AFTER",
		VarOutboundDataError:            "OUTBOUND_DATA_ERROR",
		VarQueryString:                  "QUERY_STRING",
		VarRemoteAddr:                   "REMOTE_ADDR",
		VarRemoteHost:                   "REMOTE_HOST",
		VarRemotePort:                   "REMOTE_PORT",
		VarReqbodyError:                 "REQBODY_ERROR",
		VarReqbodyErrorMsg:              "REQBODY_ERROR_MSG",
		VarReqbodyProcessorError:        "REQBODY_PROCESSOR_ERROR",
		VarReqbodyProcessorErrorMsg:     "REQBODY_PROCESSOR_ERROR_MSG",
		VarReqbodyProcessor:             "REQBODY_PROCESSOR",
		VarRequestBasename:              "REQUEST_BASENAME",
		VarRequestBody:                  "REQUEST_BODY",
		VarRequestBodyLength:            "REQUEST_BODY_LENGTH",
		VarRequestFilename:              "REQUEST_FILENAME",
		VarRequestLine:                  "REQUEST_LINE",
		VarRequestMethod:                "REQUEST_METHOD",
		VarRequestProtocol:              "REQUEST_PROTOCOL",
		VarRequestURI:                   "REQUEST_URI",
		VarRequestURIRaw:                "REQUEST_URI_RAW",
		VarResponseBody:                 "RESPONSE_BODY",
		VarResponseContentLength:        "RESPONSE_CONTENT_LENGTH",
		VarResponseProtocol:             "RESPONSE_PROTOCOL",
		VarResponseStatus:               "RESPONSE_STATUS",
		VarServerAddr:                   "SERVER_ADDR",
		VarServerName:                   "SERVER_NAME",
		VarServerPort:                   "SERVER_PORT",
		VarHighestSeverity:              "HIGHEST_SEVERITY",
		VarStatusLine:                   "STATUS_LINE",
		VarDuration:                     "DURATION",
		VarResponseHeadersNames:         "RESPONSE_HEADERS_NAMES",
		VarRequestHeadersNames:          "REQUEST_HEADERS_NAMES",
		VarArgs:                         "ARGS",
		VarArgsGet:                      "ARGS_GET",
		VarArgsPost:                     "ARGS_POST",
		VarArgsPath:                     "ARGS_PATH",
		VarFilesSizes:                   "FILES_SIZES",
		VarFilesNames:                   "FILES_NAMES",
		VarFilesTmpContent:              "FILES_TMP_CONTENT",
		VarMultipartFilename:            "MULTIPART_FILENAME",
		VarMultipartName:                "MULTIPART_NAME",
		VarMultipartFilenameCharset:     "MULTIPART_FILENAME_CHARSET",
		VarMultipartFilenameLanguage:    "MULTIPART_FILENAME_LANGUAGE",
		VarMultipartDuplicatePartHeader: "MULTIPART_DUPLICATE_PART_HEADER",
		VarMatchedVarsNames:             "MATCHED_VARS_NAMES",
		VarMatchedVars:                  "MATCHED_VARS",
		VarFiles:                        "FILES",
		VarRequestCookies:               "REQUEST_COOKIES",
		VarRequestHeaders:               "REQUEST_HEADERS",
		VarResponseHeaders:              "RESPONSE_HEADERS",
		VarResBodyProcessor:             "RES_BODY_PROCESSOR",
		VarGeo:                          "GEO",
		VarRequestCookiesNames:          "REQUEST_COOKIES_NAMES",
		VarFilesTmpnames:                "FILES_TMPNAMES",
		VarArgsNames:                    "ARGS_NAMES",
		VarArgsGetNames:                 "ARGS_GET_NAMES",
		VarArgsPostNames:                "ARGS_POST_NAMES",
		VarTX:                           "TX",
		VarRule:                         "RULE",
		VarJSON:                         "JSON",
		VarEnv:                          "ENV",
		VarUrlencodedError:              "URLENCODED_ERROR",
		VarResponseArgs:                 "RESPONSE_ARGS",
		VarResponseXML:                  "RESPONSE_XML",
		VarRequestXML:                   "REQUEST_XML",
		VarMultipartPartHeaders:         "MULTIPART_PART_HEADERS",
		VarResBodyError:                 "RES_BODY_ERROR",
		VarResBodyErrorMsg:              "RES_BODY_ERROR_MSG",
		VarResBodyProcessorError:        "RES_BODY_PROCESSOR_ERROR",
		VarResBodyProcessorErrorMsg:     "RES_BODY_PROCESSOR_ERROR_MSG",
		VarTime:                         "TIME", VarTimeDay: "TIME_DAY", VarTimeEpoch: "TIME_EPOCH",
		VarTimeHour: "TIME_HOUR", VarTimeMin: "TIME_MIN", VarTimeSec: "TIME_SEC",
		VarTimeMon: "TIME_MON", VarTimeWday: "TIME_WDAY", VarTimeYear: "TIME_YEAR",
		VarAuthType:                      "AUTH_TYPE",
		VarFullRequest:                   "FULL_REQUEST",
		VarMultipartBoundaryQuoted:       "MULTIPART_BOUNDARY_QUOTED",
		VarMultipartBoundaryWhitespace:   "MULTIPART_BOUNDARY_WHITESPACE",
		VarMultipartCRLFLFLines:          "MULTIPART_CRLF_LF_LINES",
		VarMultipartDataBefore:           "MULTIPART_DATA_BEFORE",
		VarMultipartFileLimitExceeded:    "MULTIPART_FILE_LIMIT_EXCEEDED",
		VarMultipartHeaderFolding:        "MULTIPART_HEADER_FOLDING",
		VarMultipartInvalidHeaderFolding: "MULTIPART_INVALID_HEADER_FOLDING",
		VarMultipartInvalidPart:          "MULTIPART_INVALID_PART",
		VarMultipartInvalidQuoting:       "MULTIPART_INVALID_QUOTING",
		VarMultipartLFLine:               "MULTIPART_LF_LINE",
		VarMultipartMissingSemicolon:     "MULTIPART_MISSING_SEMICOLON",
		VarMultipartStrictError:          "MULTIPART_STRICT_ERROR",
		VarMultipartUnmatchedBoundary:    "MULTIPART_UNMATCHED_BOUNDARY",
		VarPathInfo:                      "PATH_INFO",
		VarSessionid:                     "SESSIONID",
		VarUserid:                        "USERID",
		VarIP:                            "IP", VarGlobal: "GLOBAL", VarSession: "SESSION", VarUser: "USER", VarResource: "RESOURCE",
		VarURIParseError:         "URI_PARSE_ERROR",
		VarArgumentsLimitReached: "ARGUMENTS_LIMIT_REACHED",
	}
}

// String is the variable's name in rules, in upper case.
func (v Variable) String() string { return variableNames()[v] }
