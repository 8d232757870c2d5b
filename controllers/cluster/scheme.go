// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"

	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Scheme returns the types that agent and controller read and write.
func Scheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	err := errors.Join(clientgoscheme.AddToScheme(scheme), eventsv1.AddToScheme(scheme), v1alpha1.AddToScheme(scheme))
	return scheme, err
}
