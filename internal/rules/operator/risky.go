package operator

// riskyWords are the words of SQL that a value must not hold to be passed by [skipSQLi]: those that libinjection takes for anything but a
// name, a number, an operator or a function, and of each phrase that it joins into one of them ("group by") at least one word.
// A test holds them against libinjection's own table. Lower case, apart by white space.
func riskyWords() string {
	return `
		abort accessible against all_users alter analyze as asc asensitive autoincrement before blob both cascade change column
		condition constraint continue count_big cursor databases day_hour day_microsecond day_minute day_second dec default delay
		delayed desc describe deterministic distinct distinctrow each else elseif enclosed escaped exit explain fetch force foreign
		from fulltext function grant high_priority hour_microsecond hour_minute hour_second ignore in index infile inner inout
		insensitive interval into iterate join keys kill leading leave linear lines load longblob longtext loop low_priority
		master_bind master_ssl_verify_server_cert match maxvalue mediumblob mediumint mediumtext merge middleint minute_microsecond
		minute_second modifies notnull nowait no_write_to_binlog offset one_shot open optimize option optionally outfile own3d
		partition precision primary procedure purge range read reads read_write references release rename repeat replace require
		resignal restrict return revoke schema schemas second_microsecond sensitive separator signal similar spatial specific sql
		sqlexception sqlstate sqlwarning sql_big_result sql_buffer_result sql_cache sql_calc_found_rows sql_no_cache sql_small_result
		ssl starting straight_join syscolumns sysobjects sysusers terminated then time tinyblob tinyint tinytext top trigger undo
		unlock unsigned usage utc_date utc_time utc_timestamp values varbinary varcharacter varying wait when where xp_execresultset
		year_month zerofill
		case create insert raiseerror select set update
		except intersect union uni_on
		having limit
		begin call declare delete drop exec execute go goto handler print shutdown try use while
		and or xor
		collate
		anyarray anyelement anynonarry bigint bigserial binary boolean bytea character cstring decimal double float float4 float8 int
		int1 int2 int3 int4 int8 integer money numeric oid real regclass regconfig regdictionary regoper regoperator regproc
		regprocedure regtype serial serial2 serial4 serial8 smallint smallserial text timestamp varchar void _armscii8 _ascii _big5
		_binary _cp1250 _cp1251 _cp1257 _cp850 _cp852 _cp866 _cp932 _dec8 _eucjpms _euckr _gb2312 _gbk _geostd8 _greek _hebrew _hp8
		_keybcs2 _koi8r _koi8u _latin1 _latin2 _latin5 _latin7 _macce _macroman _sjis _swe7 _tis620 _ujis _usc2 _utf8
		current_date current_path current_server current_time current_timestamp current_timezone current_user localtime
		localtimestamp null unknown
		current dumpfile full group if iff ifnull left lock natural next order previous right rollup waitfor
`
}
