// SPDX-License-Identifier: Apache-2.0

// Image builds NetLab's container images without a Docker daemon.
//
//	go run -C hack/package/image . -version v0.1.0 -out /tmp/images
//
// An image is one static program in an otherwise empty file system. It has no shell, no libraries, no
// package manager and no CA certificates; the API server's certificate comes with the service account.
// Two images are for users: netlab-agent and netlab-controller. Two are for tests: netlab-pause, which a
// container runtime needs for every pod, and netlab-toolbox, Debian's static busybox, for commands
// inside a lab.
//
// For every image and architecture it writes NAME-ARCH.tar and NAME-ARCH.cdx.json. For the two images
// for users it also writes NAME.tar, with all architectures, to push to a registry.
//
// A tar is an OCI layout and a Docker archive, as `docker save` writes it:
//
//	ctr -n k8s.io images import F      kind load image-archive F      docker load -i F
//	skopeo copy oci-archive:F …        crane push F …
//
// The same source, version and Go give the same bytes: times are $SOURCE_DATE_EPOCH (default 0), files
// are sorted, and the images contain neither paths nor version-control data of the machine that builds
// them. The bill of materials (CycloneDX) is read from the finished binary, not from go.mod: it lists
// the modules that are linked.
package main
