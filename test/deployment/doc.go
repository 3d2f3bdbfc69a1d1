// Package deployment holds the files in deploy/ against what they are for: the
// queries of the dashboard and of the alerts against the metrics that there are,
// the manifests against the types of Kubernetes. It is a module of its own, so that
// the program depends on none of that.
package deployment
