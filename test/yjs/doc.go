// Package yjs holds what Atelier computes with updates of documents against Yjs
// itself, the program of the same name for Node, which is installed in the
// version of package-lock.json. One Node process makes up histories and checks
// results by their effect on documents.
package yjs
