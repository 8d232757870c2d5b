// SPDX-License-Identifier: Apache-2.0

// Release makes what people install NetLab with, beside the images of hack/package/image:
//
//	go run -C hack/package/release . -version v0.1.0 -out /tmp/release install chart plugin
//
//	install.yaml                                        config/default with pinned images
//	netlab-0.1.0.tgz                                    the Helm chart
//	kubectl-netlab_{linux,darwin}_{amd64,arm64}.tar.gz  the kubectl plugin
//	kubectl-netlab_windows_amd64.zip                    the same
//	netlab.yaml                                         its Krew manifest, with the archives' checksums
//
// None of it is committed: all of it names a version, which exists only once it is released, and
// config/ is the one source. From a checkout, kubectl apply -k does the same.
//
// The chart is config/overlays/monitored in another notation. Objects are built as kustomize
// builds them; then every place that a setting names is taken out, becomes the setting's
// default in values.yaml, and leaves a reference behind. With default values the chart therefore
// gives config/default again, except for three things that are Helm's own: the namespace is the
// release's and Helm's to make; CRDs carry helm.sh/resource-policy: keep; the parts that need
// Prometheus Operator and the network policies are off.
//
// CRDs are templates rather than files of crds/, since Helm never upgrades those. keep is what
// makes that safe: uninstalling the chart leaves CRDs, and with them the labs, alone. Names are
// fixed, because one installation is all a cluster can have: the agents own /run/netlab.
package main
