//go:build next

package messages

func (*ProjectLabelled) EventType() string { return "project.labelled" }
