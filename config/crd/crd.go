// SPDX-License-Identifier: Apache-2.0

// Package crd holds the resources' definitions as the API server gets them, for programs that
// have no API server to ask.
package crd

import _ "embed"

// NetLabs is the CustomResourceDefinition of NetLab, in YAML.
//
//go:embed bases/netlab.dev_netlabs.yaml
var NetLabs []byte
