package config

func (c *checker) incidents() {
	n := &c.cfg.Incidents
	if c.unsure("incidents.folder", "incidents.recipients", "incidents.plain") {
		return
	}
	switch {
	case n.Folder == "" && len(n.Recipients) > 0:
		c.warn("incidents.recipients", "set incidents.folder", "is not used, because no folder is set")
	case n.Folder == "" && n.Plain:
		c.warn("incidents.plain", "set incidents.folder", "is not used, because no folder is set")
	case n.Folder == "":
	case len(n.Recipients) == 0 && !n.Plain:
		c.fault("incidents.folder", "set incidents.recipients: [age1…] (lunette incidents key makes a pair), or plain: true", "needs somebody to encrypt samples to, because they hold what visitors sent")
	case len(n.Recipients) > 0 && n.Plain:
		c.fault("incidents.plain", "leave out one of the two", "contradicts incidents.recipients")
	}
}
