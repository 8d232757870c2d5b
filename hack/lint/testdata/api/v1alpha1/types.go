// Package v1alpha1 stands for the API.
package v1alpha1
