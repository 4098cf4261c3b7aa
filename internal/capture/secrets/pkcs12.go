package secrets

import "errors"

// Bounds of a PKCS#12 file: bags within bags, and bags of all.
const (
	maxBagDepth = 4
	maxBags     = 1000
)

var errBags = errors.New("the PKCS#12 file is damaged: its bags do not parse")

// pkcs12 reads the keys of a PKCS#12 file, with the empty password before another is asked.
func (f *keyFile) pkcs12(der []byte) error {
	safes, err := safesOf(der)
	if err != nil {
		return err
	}
	for _, p := range []pbePassword{{work: &f.work}, {emptyIsNothing: true, work: &f.work}} {
		if err = f.safes(safes, p); !errors.Is(err, ErrWrongPassword) {
			return err
		}
	}
	password, err := f.secret()
	if err != nil {
		return err
	}
	return f.safes(safes, pbePassword{text: password, work: &f.work})
}

// safes reads the keys of all: those first that are not in an encrypted one, because such a one mostly holds certificates.
func (f *keyFile) safes(safes []contentInfo, p pbePassword) error {
	before := f.keys
	for _, encrypted := range []bool{false, true} {
		for _, safe := range safes {
			if (safe.Type.String() == typeEncryptedData) != encrypted {
				continue
			}
			bags, err := bagsOf(safe, p)
			if err == nil {
				left := maxBags
				err = f.bags(bags, p, maxBagDepth, &left)
			}
			if errors.Is(err, errBags) && encrypted { // a wrong password, or damage: nobody can tell
				err = ErrWrongPassword
			}
			if err != nil {
				return err
			}
		}
		if f.keys > before {
			return nil
		}
	}
	f.found(format{"", "a PKCS#12 file without a private key", "export the certificate with its private key"})
	return nil
}

// bagsOf returns the bags of one safe, as bytes.
func bagsOf(safe contentInfo, p pbePassword) (bags []byte, err error) {
	switch safe.Type.String() {
	case typeData:
		if err := unmarshal(safe.Content.Bytes, &bags); err != nil {
			return nil, errors.New("the PKCS#12 file is damaged: a safe does not parse")
		}
		return bags, nil
	case typeEncryptedData:
		var e encryptedData
		if err := unmarshal(safe.Content.Bytes, &e); err != nil {
			return nil, errors.New("the PKCS#12 file is damaged: an encrypted safe does not parse")
		}
		content := e.Info.Content.Bytes
		if e.Info.Content.IsCompound {
			var err error
			if content, _, err = elements(content, false, maxNesting, true); err != nil {
				return nil, errors.New("the PKCS#12 file is damaged: an encrypted safe does not parse")
			}
		}
		return decryptPBE(e.Info.Algorithm, content, p)
	case typeEnvelopedData:
		return nil, errors.New("a safe of the PKCS#12 file is protected by a public key: export it again with a password")
	}
	return nil, errors.New("the PKCS#12 file holds a safe of unknown type " + safe.Type.String())
}

// bags reads the keys of some bags.
func (f *keyFile) bags(der []byte, p pbePassword, depth int, left *int) error {
	var all []safeBag
	if err := unmarshal(der, &all); err != nil {
		return errBags
	}
	for _, bag := range all {
		if *left--; *left < 0 || depth == 0 {
			return errors.New("the PKCS#12 file holds too many bags")
		}
		if err := f.bag(bag, p, depth, left); err != nil {
			return err
		}
	}
	return nil
}

func (f *keyFile) bag(bag safeBag, p pbePassword, depth int, left *int) error {
	switch bag.Type.String() {
	case bagKey:
		return f.pkcs8(bag.Value.Bytes)
	case bagShroudedKey:
		var k encryptedKey
		if err := unmarshal(bag.Value.Bytes, &k); err != nil {
			return errDamaged
		}
		return f.shrouded(&k, p)
	case bagSafeContents:
		return f.bags(bag.Value.Bytes, p, depth-1, left)
	}
	return nil
}
