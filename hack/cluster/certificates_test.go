// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"slices"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func TestServersAreTrustedUnderTheirOwnNamesOnly(t *testing.T) {
	dir, roots := newTestAuthority(t)
	ca := must(loadAuthority(dir))(t)
	tests := []struct {
		server identity
		is     []string
		isNot  []string
	}{
		{apiserver, []string{"172.30.0.1", "10.96.0.1", "127.0.0.1", "localhost", "kubernetes.default.svc"}, []string{"172.30.0.11", "example.com"}},
		{kubeletServer("node-1", nodeAddress(1)), []string{"172.30.0.11", "node-1"}, []string{"172.30.0.12", "node-2", "172.30.0.1"}},
	}
	for _, test := range tests {
		t.Run(test.server.user, func(t *testing.T) {
			if err := ca.issue(dir, "server", test.server); err != nil {
				t.Fatal(err)
			}
			certificate := loadPair(t, dir, "server").Leaf
			for _, name := range slices.Concat(test.is, test.isNot) {
				_, err := certificate.Verify(x509.VerifyOptions{DNSName: name, Roots: roots})
				if trusted, want := err == nil, slices.Contains(test.is, name); trusted != want {
					t.Errorf("as %s: trusted %t, want %t (%v)", name, trusted, want, err)
				}
			}
		})
	}
}

func TestAKubeconfigIsTheUserThatItIsFor(t *testing.T) {
	dir, roots := newTestAuthority(t)
	ca := must(loadAuthority(dir))(t)
	path := filepath.Join(dir, "kubeconfig")
	if err := ca.kubeconfig(path, kubelet("node-1")); err != nil {
		t.Fatal(err)
	}
	config := must(clientcmd.BuildConfigFromFlags("", path))(t)
	if config.Host != "https://172.30.0.1:443" {
		t.Errorf("it is for %s", config.Host)
	}
	pair := must(tls.X509KeyPair(config.CertData, config.KeyData))(t)
	client := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := pair.Leaf.Verify(client); err != nil {
		t.Error(err)
	}
	subject := pair.Leaf.Subject
	if subject.CommonName != "system:node:node-1" || !slices.Equal(subject.Organization, []string{"system:nodes"}) {
		t.Errorf("it is for %s", subject)
	}
}

func TestClientsCannotPassForServersNorServersForClients(t *testing.T) {
	dir, roots := newTestAuthority(t)
	ca := must(loadAuthority(dir))(t)
	tests := []struct {
		name   string
		who    identity
		cannot x509.ExtKeyUsage
	}{
		{"client", admin, x509.ExtKeyUsageServerAuth},
		{"server", kubeletServer("node-1", nodeAddress(1)), x509.ExtKeyUsageClientAuth},
	}
	for _, test := range tests {
		if err := ca.issue(dir, test.name, test.who); err != nil {
			t.Fatal(err)
		}
		other := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{test.cannot}}
		if _, err := loadPair(t, dir, test.name).Leaf.Verify(other); err == nil {
			t.Errorf("the certificate of a %s is good for both", test.name)
		}
	}
}

// newTestAuthority returns the directory of a new authority, and what trusts it.
func newTestAuthority(t *testing.T) (string, *x509.CertPool) {
	t.Helper()
	dir := t.TempDir()
	ca := must(newAuthority(dir))(t)
	roots := x509.NewCertPool()
	roots.AddCert(ca.certificate)
	return dir, roots
}

func loadPair(t *testing.T, dir, name string) tls.Certificate {
	t.Helper()
	return must(tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")))(t)
}

// must is for what a test takes for granted.
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
