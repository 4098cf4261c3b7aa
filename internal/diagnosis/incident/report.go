package incident

// Report is report.md.
func (d *Document) Report() string { return "" }
