package rig

import (
	"fmt"
	"strings"

	"github.com/anishathalye/porcupine"
)

// maxMembers is how many different users a project of a history may ever see.
const maxMembers = 32

// roles in the order of their numbers; 0 is none.
var roles = [...]string{"", "viewer", "commenter", "editor", "collaborator", "admin"}

// Role is the number of a role's name; -1 for a name that there is not.
func Role(name string) int8 {
	for i, known := range roles {
		if known == name {
			return int8(i)
		}
	}
	return -1
}

// Members are the roles of the users of a history, by their numbers.
type Members [maxMembers]int8

// Count is how many collaborators there are.
func (m Members) Count() (n int) {
	for _, role := range m {
		if role != 0 {
			n++
		}
	}
	return n
}

func (m Members) String() string {
	var in []string
	for user, role := range m {
		if role != 0 {
			in = append(in, fmt.Sprintf("u%d %s", user, roles[role]))
		}
	}
	return "{" + strings.Join(in, ", ") + "}"
}

// roleless is who is in, whatever the role.
func (m Members) roleless() Members {
	for i := range m {
		if m[i] != 0 {
			m[i] = 1
		}
	}
	return m
}

// State is a project as the model knows it.
type State struct {
	Members Members
	Limit   int
	Version int64
	Seq     int64
}

func (s State) String() string {
	return fmt.Sprintf("version %d, seq %d, limit %d, %s", s.Version, s.Seq, s.Limit, s.Members)
}

// changed is the state after one more change.
func (s State) changed() State {
	s.Version++
	s.Seq++
	return s
}

// Action is what an operation asks for.
type Action string

// Actions.
const (
	AddMember    Action = "add"
	RemoveMember Action = "remove"
	ChangeRole   Action = "change role"
	ChangeLimit  Action = "change limit"
	Read         Action = "read"
	ReadRoles    Action = "list collaborators"
	ReadRole     Action = "ask role"
	ReadEvents   Action = "list events"
)

// Input of an operation.
type Input struct {
	Action Action
	Node   string
	User   int
	Role   int8
	Limit  int
	Since  int64
}

// Output of an operation.
type Output struct {
	Outcome Outcome
	Code    string // of a refusal; empty: done
	Version int64  // 0 where the answer has none
	Seq     int64
	Limit   int
	Members Members
	Count   int
	Role    int8
	Events  int // how many a page had
}

// model is the project that every history is held against: it begins as state.
func model(begin State) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return begin },
		Step: func(state, input, output any) (bool, any) {
			return step(state.(State), input.(Input), output.(Output))
		},
		Equal:             func(a, b any) bool { return a.(State) == b.(State) },
		DescribeOperation: func(input, output any) string { return Describe(input.(Input), output.(Output)) },
		DescribeState:     func(state any) string { return state.(State).String() },
	}
}

// step is one operation on the project. One whose end is unknown does what it
// can: its return is at the end of time, so that not to have been done is to
// come last.
func step(s State, in Input, out Output) (bool, State) {
	switch in.Action {
	case AddMember, RemoveMember, ChangeRole, ChangeLimit:
		after, code := decide(s, in)
		if out.Outcome == Unknown {
			return true, after
		}
		if out.Code != code {
			return false, s
		}
		return code != "" || answers(in, out, after), after
	default:
		return shows(s, in, out), s
	}
}

// decide is what a change leads to, or why it is refused.
func decide(s State, in Input) (after State, code string) {
	role := s.Members[in.User]
	after = s
	switch in.Action {
	case AddMember:
		switch {
		case s.Members.Count() >= s.Limit:
			return s, "collaborator_limit_reached"
		case role != 0:
			return s, "already_collaborator"
		}
		after.Members[in.User] = in.Role
	case RemoveMember:
		if role == 0 {
			return s, "not_found"
		}
		after.Members[in.User] = 0
	case ChangeRole:
		if role == 0 {
			return s, "not_found"
		}
		after.Members[in.User] = in.Role
	case ChangeLimit:
		if in.Limit != s.Limit && in.Limit < s.Members.Count() {
			return s, "collaborator_limit_reached"
		}
		after.Limit = in.Limit
	}
	if after == s {
		return s, ""
	}
	return after.changed(), ""
}

// answers reports whether the answer of a change that was made fits the state
// after it.
func answers(in Input, out Output, after State) bool {
	switch in.Action {
	case RemoveMember:
		return true // says nothing
	case ChangeLimit:
		return shows(after, Input{Action: Read}, out)
	default:
		return out.Version == after.Version && out.Role == after.Members[in.User]
	}
}

// shows reports whether a look at the project fits the state.
func shows(s State, in Input, out Output) bool {
	switch in.Action {
	case Read:
		return out.Code == "" && out.Version == s.Version && out.Seq == s.Seq && out.Limit == s.Limit &&
			out.Count == s.Members.Count() && out.Members == s.Members.roleless()
	case ReadRoles:
		return out.Code == "" && out.Members == s.Members
	case ReadRole:
		return out.Code == "" && out.Role == s.Members[in.User]
	case ReadEvents:
		if out.Code != "" || out.Events == EventsPage && out.Seq <= s.Seq {
			return out.Code == ""
		}
		return out.Seq == max(in.Since, s.Seq)
	default:
		return false
	}
}

// Describe is an operation in words.
func Describe(in Input, out Output) string {
	var asked, told string
	switch in.Action {
	case AddMember, ChangeRole:
		asked = fmt.Sprintf("%s u%d as %s", in.Action, in.User, roles[in.Role])
	case RemoveMember, ReadRole:
		asked = fmt.Sprintf("%s u%d", in.Action, in.User)
	case ChangeLimit:
		asked = fmt.Sprintf("%s to %d", in.Action, in.Limit)
	case ReadEvents:
		asked = fmt.Sprintf("%s since %d", in.Action, in.Since)
	default:
		asked = string(in.Action)
	}
	switch {
	case out.Outcome == Unknown:
		told = "?"
	case out.Code != "":
		told = out.Code
	case in.Action == Read || in.Action == ChangeLimit:
		told = fmt.Sprintf("version %d, seq %d, limit %d, %d members", out.Version, out.Seq, out.Limit, out.Count)
	case in.Action == ReadRoles:
		told = out.Members.String()
	case in.Action == ReadRole:
		told = roles[max(out.Role, 0)]
	case in.Action == ReadEvents:
		told = fmt.Sprintf("%d events up to %d", out.Events, out.Seq)
	case in.Action == RemoveMember:
		told = "done"
	default:
		told = fmt.Sprintf("version %d", out.Version)
	}
	return fmt.Sprintf("%s: %s → %s", in.Node, asked, told)
}
