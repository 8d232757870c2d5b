// SPDX-License-Identifier: Apache-2.0

package apiclient

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// readPause is the time between two readings of a lab that cannot be watched, and the pause after a watch
// ends.
const readPause = time.Second

// Seen is a lab at one moment.
type Seen struct {
	*v1alpha1.NetLab
	// Deleted: the lab is as it was last, and does not exist any more.
	Deleted bool
}

// Follow calls each with a lab, or with all of a namespace if the key has no name, now and after every change,
// until each returns true or an error, or ctx ends. If the first reading fails, that is the error; after it
// Follow goes on reading as long as ctx lasts, because an API server may restart.
func (c *Client) Follow(ctx context.Context, key Key, each func(Seen) (done bool, err error)) error {
	f := follower{Client: c, key: key, each: each, known: map[Key]*v1alpha1.NetLab{}}
	for first := true; ; first = false {
		err := f.pass(ctx)
		switch {
		case err == nil && f.done, f.failed:
			return err
		case ctx.Err() != nil:
			return errors.Join(ctx.Err(), readError(err))
		case first && err != nil:
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), readError(err))
		case <-time.After(readPause):
		}
	}
}

// readError leaves out the end of the context, which the API server's client reports in its own words.
func readError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// follower is one call of Follow.
type follower struct {
	*Client
	key   Key
	each  func(Seen) (bool, error)
	known map[Key]*v1alpha1.NetLab
	// done: each returned true. failed: each returned an error.
	done, failed bool
}

// pass reads the labs, and watches them until the watch ends.
func (f *follower) pass(ctx context.Context) error {
	var list v1alpha1.NetLabList
	if err := f.read(ctx, &list); err != nil || f.done {
		return err
	}
	options := []client.ListOption{client.InNamespace(f.key.Namespace), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}}}
	if f.key.Name != "" {
		options = append(options, client.MatchingFields{"metadata.name": f.key.Name})
	}
	changes, err := f.client.Watch(ctx, &list, options...)
	if apierrors.IsForbidden(err) { // those who may get a lab may not always watch it
		return nil
	}
	if err != nil {
		return err
	}
	defer changes.Stop()
	return f.take(changes)
}

// read shows the labs that changed since they were last shown, and those that are gone.
func (f *follower) read(ctx context.Context, list *v1alpha1.NetLabList) error {
	if err := f.list(ctx, list); err != nil {
		return err
	}
	gone := map[Key]bool{}
	for key := range f.known {
		gone[key] = true
	}
	for i := range list.Items {
		delete(gone, client.ObjectKeyFromObject(&list.Items[i]))
		if err := f.show(Seen{NetLab: &list.Items[i]}); err != nil || f.done {
			return err
		}
	}
	for key := range gone {
		if err := f.show(Seen{NetLab: f.known[key], Deleted: true}); err != nil || f.done {
			return err
		}
	}
	return nil
}

// list reads the labs. A single lab that was never there is an error.
func (f *follower) list(ctx context.Context, list *v1alpha1.NetLabList) error {
	if f.key.Name == "" {
		return f.client.List(ctx, list, client.InNamespace(f.key.Namespace))
	}
	lab, err := f.Lab(ctx, f.key)
	switch {
	case NotFound(err) && len(f.known) > 0:
		return nil
	case err != nil:
		return err
	}
	list.Items, list.ResourceVersion = []v1alpha1.NetLab{*lab}, lab.ResourceVersion
	return nil
}

func (f *follower) take(changes watch.Interface) error {
	for event := range changes.ResultChan() {
		lab, ok := event.Object.(*v1alpha1.NetLab)
		if !ok { // an error, such as a resource version that is too old
			return nil
		}
		if event.Type == watch.Bookmark {
			continue
		}
		if err := f.show(Seen{NetLab: lab, Deleted: event.Type == watch.Deleted}); err != nil || f.done {
			return err
		}
	}
	return nil
}

func (f *follower) show(seen Seen) error {
	key := client.ObjectKeyFromObject(seen.NetLab)
	if known := f.known[key]; !seen.Deleted && known != nil && known.ResourceVersion == seen.ResourceVersion {
		return nil
	}
	if f.known[key] = seen.NetLab; seen.Deleted {
		delete(f.known, key)
	}
	var err error
	f.done, err = f.each(seen)
	f.failed = err != nil
	return err
}
