// SPDX-License-Identifier: Apache-2.0

package apiclient

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/netlab-dev/netlab/api/v1alpha1"
)

// Client is an API server's NetLabs.
type Client struct {
	client client.WithWatch
}

// New returns the client for a configuration.
func New(config *rest.Config) (*Client, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(kind, meta.RESTScopeNamespace)
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme, Mapper: mapper})
	if err != nil {
		return nil, err
	}
	return &Client{c}, nil
}

var kind = v1alpha1.GroupVersion.WithKind("NetLab")

// Key is the namespace and the name of a lab.
type Key = client.ObjectKey

// Lab returns a lab. If it does not exist, the error lists the labs that do.
func (c *Client) Lab(ctx context.Context, key Key) (*v1alpha1.NetLab, error) {
	stored, err := c.Stored(ctx, key)
	if err != nil {
		return nil, err
	}
	return typed(stored)
}

// Stored is a lab as the API server has it, with the fields that this program does not know.
// If the lab does not exist, the error lists the labs that do.
func (c *Client) Stored(ctx context.Context, key Key) (*unstructured.Unstructured, error) {
	lab, err := c.get(ctx, key)
	if !NotFound(err) {
		return lab, err
	}
	// The right to get a lab does not include the right to list labs.
	others, listErr := c.Labs(ctx, key.Namespace)
	if listErr != nil {
		return nil, err
	}
	names := make([]string, len(others))
	for i := range others {
		names[i] = others[i].Name
	}
	return nil, fmt.Errorf("%w; the labs in namespace %s: %s", err, key.Namespace, cmp.Or(strings.Join(names, ", "), "none"))
}

func (c *Client) get(ctx context.Context, key Key) (*unstructured.Unstructured, error) {
	lab := newObject()
	return lab, c.client.Get(ctx, key, lab)
}

// Labs lists the labs of a namespace; an empty one means all.
func (c *Client) Labs(ctx context.Context, namespace string) ([]v1alpha1.NetLab, error) {
	var list v1alpha1.NetLabList
	err := c.client.List(ctx, &list, client.InNamespace(namespace))
	return list.Items, err
}

// Delete deletes a lab. Its nodes remove what they hold of it.
func (c *Client) Delete(ctx context.Context, key Key) error {
	lab := newObject()
	lab.SetNamespace(key.Namespace)
	lab.SetName(key.Name)
	return c.client.Delete(ctx, lab)
}

// NotFound reports whether a lab does not exist.
func NotFound(err error) bool { return apierrors.IsNotFound(err) && !NotInstalled(err) }

// NotInstalled reports whether an API server does not know the resource: its answer is not an object that it
// misses, but a page.
func NotInstalled(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

func newObject() *unstructured.Unstructured {
	lab := &unstructured.Unstructured{}
	lab.SetGroupVersionKind(kind)
	return lab
}

func typed(stored *unstructured.Unstructured) (*v1alpha1.NetLab, error) {
	lab := &v1alpha1.NetLab{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(stored.Object, lab); err != nil {
		return nil, fmt.Errorf("read lab %s/%s: %w", stored.GetNamespace(), stored.GetName(), err)
	}
	return lab, nil
}
