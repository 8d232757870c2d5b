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

// maxRetryDelay is the longest delay between retries of one object.
const maxRetryDelay = 30 * time.Second

// SpecChanged ignores updates of the status. A lab that was deleted and created again between two events
// of the informer has a new UID, and may have the old generation.
var SpecChanged = predicate.Or[client.Object](
	predicate.GenerationChangedPredicate{},
	predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return e.ObjectOld.GetUID() != e.ObjectNew.GetUID() }},
)

// RetryLimiter delays retries of one object, from 10 ms to maxRetryDelay.
func RetryLimiter() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](10*time.Millisecond, maxRetryDelay)
}
