// SPDX-License-Identifier: Apache-2.0

// Image makes the container images of NetLab without a Docker daemon.
//
//	go run -C hack/package/image . -version v0.1.0 -out /tmp/images
//
// An image is a program, linked statically, in an otherwise empty file system: no shell, no
// libraries, no package manager, and no CA certificates, since the API server's arrives with
// the service account. There are two for users, netlab-agent and netlab-controller, and two
// for tests: netlab-pause, which a container runtime needs for every pod, and netlab-toolbox,
// Debian's static busybox, for running something inside a lab.
//
// For every image and architecture it writes NAME-ARCH.tar and NAME-ARCH.cdx.json, and for
// the two that users get NAME.tar with all architectures for pushing to a registry.
//
// A tar is an OCI layout and a Docker archive at once, as `docker save` writes it:
//
//	ctr -n k8s.io images import F      kind load image-archive F      docker load -i F
//	skopeo copy oci-archive:F …        crane push F …
//
// The same source, version and Go give the same bytes: times are $SOURCE_DATE_EPOCH (default
// 0), files are sorted, and neither paths nor version-control data of the building machine
// enter. The bill of materials (CycloneDX) is read from the finished binary, not from go.mod:
// it lists what was linked.
package main
