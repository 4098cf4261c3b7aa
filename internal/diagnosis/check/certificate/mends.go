package certificate

import "github.com/lunette-waf/lunette/internal/finding"

// mendBind gives the site's binding another certificate. The method is asked of the one binding that has the name: without -HostHeader it
// would be of all bindings of all sites.
func mendBind(do string) finding.Mend {
	return finding.Mend{On: finding.IIS, Do: do + " What else the binding had (clientcertnegotiation) must stand in the second list as in the first.",
		Lines: `# PowerShell, as administrator
Import-Module WebAdministration
Get-ChildItem Cert:\LocalMachine\My | Format-Table NotAfter,Thumbprint,Subject
Get-WebBinding -Protocol https | Format-Table bindingInformation,sslFlags,certificateHash
netsh http show sslcert
(Get-WebBinding -Protocol https -Port {port} -HostHeader '{host}').AddSslCertificate('THUMBPRINT','My')
netsh http show sslcert`}
}
