// Package crd holds definitions and imports nothing.
package crd

import (
	_ "embed"

	_ "k8s.io/apimachinery/pkg/types" // want depguard

	_ "github.com/netlab-dev/netlab/api/v1alpha1" // want depguard
)
