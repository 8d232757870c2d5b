// Package v1alpha1 stands for the API.
package v1alpha1

import (
	_ "k8s.io/apimachinery/pkg/types"
	_ "k8s.io/client-go/util/homedir" // want depguard
)
