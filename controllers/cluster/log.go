// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// LogFormats are the values of a program's --log-format.
const LogFormats = "text or json"

// Log returns the log of a program, and makes it that of controller-runtime.
func Log(w io.Writer, format string, level slog.Level) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: level}
	var handler slog.Handler
	switch format {
	case "text":
		handler = slog.NewTextHandler(w, options)
	case "json":
		handler = slog.NewJSONHandler(w, options)
	default:
		return nil, fmt.Errorf("--log-format=%s: write %s", format, LogFormats)
	}
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	return slog.New(handler), nil
}
