// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// validity is longer than any test cluster runs.
const validity = 365 * 24 * time.Hour

// identity is the subject of a certificate: Kubernetes takes a client's user name and groups from
// its subject; a server's names and addresses are those it may be called by.
type identity struct {
	user      string
	groups    []string
	names     []string
	addresses []netip.Addr
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// newAuthority makes an authority and writes it to ca.crt and ca.key in dir.
func newAuthority(dir string) (*authority, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "netlab-cluster"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key of the authority: %w", err)
	}
	a := &authority{certificate: template, key: key}
	if err := a.write(template, key, dir, "ca"); err != nil {
		return nil, err
	}
	return loadAuthority(dir)
}

func loadAuthority(dir string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "ca.crt"), filepath.Join(dir, "ca.key"))
	if err != nil {
		return nil, fmt.Errorf("load the authority: %w", err)
	}
	return &authority{certificate: pair.Leaf, key: pair.PrivateKey.(crypto.Signer)}, nil
}

// issue writes a new key and its certificate to NAME.key and NAME.crt in dir.
func (a *authority) issue(dir, name string, who identity) error {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: who.user, Organization: who.groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(who.names)+len(who.addresses) > 0 {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.DNSNames = who.names
	}
	for _, address := range who.addresses {
		template.IPAddresses = append(template.IPAddresses, net.IP(address.AsSlice()))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of %s: %w", name, err)
	}
	return a.write(template, key, dir, name)
}

func (a *authority) write(template *x509.Certificate, key *ecdsa.PrivateKey, dir, name string) error {
	now := time.Now()
	template.NotBefore, template.NotAfter = now.Add(-time.Minute), now.Add(validity)
	certificate, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("sign the certificate of %s: %w", name, err)
	}
	if err := writePEM(filepath.Join(dir, name+".crt"), "CERTIFICATE", certificate); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, name+".key"), key)
}

// writeKeyPair writes a key of which both halves are needed as files, to NAME.key and NAME.pub.
func writeKeyPair(dir, name string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key of %s: %w", name, err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("encode the key of %s: %w", name, err)
	}
	if err := writePEM(filepath.Join(dir, name+".pub"), "PUBLIC KEY", public); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, name+".key"), key)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("encode %s: %w", path, err)
	}
	return writePEM(path, "PRIVATE KEY", private)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// kubeconfig issues a certificate for an identity and writes a kubeconfig that holds it.
func (a *authority) kubeconfig(path string, who identity) (err error) {
	dir, err := os.MkdirTemp(filepath.Dir(path), "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := a.issue(dir, "client", who); err != nil {
		return err
	}
	user := api.NewAuthInfo()
	if user.ClientCertificateData, err = os.ReadFile(filepath.Join(dir, "client.crt")); err != nil {
		return err
	}
	if user.ClientKeyData, err = os.ReadFile(filepath.Join(dir, "client.key")); err != nil {
		return err
	}
	cluster := api.NewCluster()
	cluster.Server = fmt.Sprintf("https://%s:%d", controlPlaneIP, apiserverPort)
	cluster.CertificateAuthorityData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
	return clientcmd.WriteToFile(kubeconfigOf(who.user, user, cluster), path)
}

func kubeconfigOf(name string, user *api.AuthInfo, cluster *api.Cluster) api.Config {
	const only = "netlab-cluster"
	context := api.NewContext()
	context.Cluster, context.AuthInfo = only, name
	return api.Config{
		Clusters:       map[string]*api.Cluster{only: cluster},
		AuthInfos:      map[string]*api.AuthInfo{name: user},
		Contexts:       map[string]*api.Context{only: context},
		CurrentContext: only,
	}
}
