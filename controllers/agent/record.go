// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/netlab-dev/netlab/controllers/state"
)

// record is kept under /run: like the lab it outlives the agent, but not the machine.
type record struct {
	Owner state.Owner `json:"owner"`
	// RealizedGeneration is the last generation that matched the spec here. Later differences are drift.
	RealizedGeneration int64 `json:"realizedGeneration"`
}

// records reads each lab's record once.
type records struct {
	kernel Kernel

	mu    sync.Mutex
	known map[state.Identity]int64
}

func newRecords(k Kernel) *records {
	return &records{kernel: k, known: map[state.Identity]int64{}}
}

// realized returns the last generation of the lab that matched the spec here, 0 for none.
func (r *records) realized(id state.Identity) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if generation, ok := r.known[id]; ok {
		return generation, nil
	}
	kept, err := r.read(id)
	if err != nil {
		return 0, err
	}
	if kept.Owner != id.Owner {
		kept = record{}
	}
	r.known[id] = kept.RealizedGeneration
	return kept.RealizedGeneration, nil
}

// read returns the record under the lab's name: an empty one if there is none, or none of an agent.
func (r *records) read(id state.Identity) (record, error) {
	encoded, err := r.kernel.LoadRecord(id)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return record{}, fmt.Errorf("read the record of %s: %w", id, err)
	}
	var kept record
	_ = json.Unmarshal(encoded, &kept) // the command line's record has another format
	return kept, nil
}

func (r *records) save(id state.Identity, generation int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	encoded, err := json.Marshal(record{Owner: id.Owner, RealizedGeneration: generation})
	if err == nil {
		err = r.kernel.SaveRecord(id, append(encoded, '\n'))
	}
	if err != nil {
		return fmt.Errorf("record that generation %d of %s is realized: %w", generation, id, err)
	}
	r.known[id] = generation
	return nil
}

// remove deletes the lab's record, unless another lab of that name has written it.
func (r *records) remove(id state.Identity) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, id)
	kept, err := r.read(id)
	if err != nil || kept.Owner != id.Owner {
		return err
	}
	if err := r.kernel.DeleteRecord(id); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the record of %s: %w", id, err)
	}
	return nil
}
