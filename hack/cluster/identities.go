// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"
	"os"
)

// The identities of a cluster, by the names that Kubernetes gives them.
var (
	admin             = identity{user: "admin", groups: []string{"system:masters"}}
	controllerManager = identity{user: "system:kube-controller-manager"}
	scheduler         = identity{user: "system:kube-scheduler"}
	kubeletClient     = identity{user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}}
	apiserver         = identity{
		user: "kube-apiserver",
		names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"kubernetes.default.svc.cluster.local"},
		addresses: []netip.Addr{controlPlaneIP, serviceIP, netip.MustParseAddr("127.0.0.1")},
	}
)

// kubelet is a node's identity as a client of the API server.
func kubelet(node string) identity {
	return identity{user: "system:node:" + node, groups: []string{"system:nodes"}}
}

// kubeletServer is a node's identity as a server.
func kubeletServer(node string, address netip.Addr) identity {
	return identity{user: "system:node:" + node, groups: []string{"system:nodes"}, names: []string{node}, addresses: []netip.Addr{address}}
}

// writeIdentities makes the authority and the certificates of the control plane and of the administrator.
func (d directory) writeIdentities() error {
	pki := d.path("pki")
	if err := os.Mkdir(pki, 0o700); err != nil {
		return err
	}
	ca, err := newAuthority(pki)
	if err != nil {
		return err
	}
	for name, who := range map[string]identity{"apiserver": apiserver, "apiserver-kubelet-client": kubeletClient} {
		if err := ca.issue(pki, name, who); err != nil {
			return err
		}
	}
	for path, who := range map[string]identity{
		d.kubeconfig(): admin,
		d.path("pki", "controller-manager.kubeconfig"): controllerManager,
		d.path("pki", "scheduler.kubeconfig"):          scheduler,
	} {
		if err := ca.kubeconfig(path, who); err != nil {
			return err
		}
	}
	return writeKeyPair(pki, "service-accounts")
}
