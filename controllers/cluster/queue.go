// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// WorkQueue holds the requests of a controller.
type WorkQueue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// maxRetryDelay is the longest pause after repeated errors of one object.
const maxRetryDelay = 30 * time.Second

// SpecChanged leaves out updates of status: the controller's writes are nothing to an agent. A
// lab that was deleted and made anew between two looks of the informer has a new UID, and can
// have the old generation.
var SpecChanged = predicate.Or[client.Object](
	predicate.GenerationChangedPredicate{},
	predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() }},
)

func RetryLimiter() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](10*time.Millisecond, maxRetryDelay)
}
