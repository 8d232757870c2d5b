// SPDX-License-Identifier: Apache-2.0

// Release writes the files that NetLab is installed with, apart from the images of hack/package/image:
//
//	go run -C hack/package/release . -version v0.1.0 -out /tmp/release install chart plugin
//
//	install.yaml                                        config/default with pinned images
//	netlab-0.1.0.tgz                                    the Helm chart
//	kubectl-netlab_{linux,darwin}_{amd64,arm64}.tar.gz  the kubectl plugin
//	kubectl-netlab_windows_amd64.zip                    the same
//	netlab.yaml                                         its Krew manifest, with the archives' checksums
//
// None of these is committed: each names a version, which exists only after its release, and config/ is
// the only source. From a checkout, kubectl apply -k does the same.
//
// The chart is generated from config/overlays/monitored. Kustomize's code builds the objects. Each
// setting then names places in them; the value found there becomes the setting's default in values.yaml,
// and a reference to the setting replaces it. With default values the chart therefore gives
// config/default again, with three exceptions that are specific to Helm: the namespace is the release's,
// and Helm creates it; CRDs have helm.sh/resource-policy: keep; the parts that need Prometheus Operator,
// and the network policies, are off.
//
// CRDs are templates and not files of crds/, because Helm never upgrades those. With keep,
// uninstalling the chart deletes neither CRDs nor labs. Names are fixed, because a cluster can have only
// one installation: the agents own /run/netlab.
package main
