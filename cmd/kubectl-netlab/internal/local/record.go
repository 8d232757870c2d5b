// SPDX-License-Identifier: Apache-2.0

package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/netlab-dev/netlab/api/v1alpha1"
	"github.com/netlab-dev/netlab/controllers/state"
)

// ownerAnnotation marks a record as written by this package: the agent's records are in the same
// directory.
const ownerAnnotation = v1alpha1.Group + "/owner"

// save keeps the description a lab is about to be built from.
func (m *Machine) save(id state.Identity, lab *v1alpha1.NetLab) error {
	record, err := json.Marshal(&v1alpha1.NetLab{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "NetLab"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: lab.Namespace, Name: lab.Name,
			Annotations: map[string]string{ownerAnnotation: string(id.Owner)},
		},
		Spec: lab.Spec,
	})
	if err != nil {
		return fmt.Errorf("write the record of %s: %w", id, err)
	}
	if err := m.kernel.SaveRecord(id, append(record, '\n')); err != nil {
		return fmt.Errorf("write the record of %s: %w", id, err)
	}
	return nil
}

// Load returns the description a lab was built from.
func (m *Machine) Load(ctx context.Context, namespace, name string) (*v1alpha1.NetLab, error) {
	id := Identity(namespace, name)
	exists, err := m.claim(ctx, id)
	if err != nil {
		return nil, err
	}
	lab, err := m.record(id)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !exists:
		return nil, fmt.Errorf("%s: %w", id, ErrNotFound)
	case err != nil:
		return nil, fmt.Errorf("the record of %s is lost; write it again with up -f, or remove the lab with down: %w", id, err)
	}
	return lab, nil
}

// record reads a record; without one of ours the error is fs.ErrNotExist.
func (m *Machine) record(id state.Identity) (*v1alpha1.NetLab, error) {
	record, err := m.kernel.LoadRecord(id)
	if err != nil {
		return nil, err
	}
	lab := &v1alpha1.NetLab{}
	if err := json.Unmarshal(record, lab); err != nil {
		return nil, fmt.Errorf("the record is damaged: %w", err)
	}
	if lab.Annotations[ownerAnnotation] != string(id.Owner) {
		return nil, fmt.Errorf("the record belongs to another owner: %w", fs.ErrNotExist)
	}
	return lab, nil
}
