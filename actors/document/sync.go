package document

import (
	"errors"

	"atelier/actors/document/yupdate"
	"atelier/messages"
)

// Missing is what somebody with a state vector lacks of a document as it is stored,
// and the state vector of the document.
func Missing(l *messages.DocumentLog, vector []byte) (update, has []byte, err error) {
	v, err := yupdate.ParseVector(vector, taken())
	if err != nil {
		return nil, nil, refusal(err)
	}
	content, err := Content(l)
	if err != nil {
		return nil, nil, err
	}
	u, err := yupdate.Parse(content, stored())
	if err != nil {
		return nil, nil, err
	}
	if len(v) == 0 {
		return content, u.Vector().Encode(), nil
	}
	return u.Diff(v).Encode(), u.Vector().Encode(), nil
}

// Adds reports whether an update has anything that a document lacks.
func Adds(l *messages.DocumentLog, update []byte) (bool, error) {
	u, err := yupdate.Parse(update, joined())
	if err != nil {
		return false, refusal(err)
	}
	if u.Empty() {
		return false, nil
	}
	content, err := Content(l)
	if err != nil {
		return false, err
	}
	has, err := yupdate.Parse(content, stored())
	if err != nil {
		return false, err
	}
	return yupdate.NewKnown(has).News(u) != nil, nil
}

// Joined are as few updates as Append takes with the effect of these, in their
// order.
func Joined(updates [][]byte) ([][]byte, error) {
	if len(updates) == 1 && len(updates[0]) <= messages.MaxUpdate {
		return updates, nil
	}
	parsed := make([]*yupdate.Update, len(updates))
	for i, b := range updates {
		var err error
		if parsed[i], err = yupdate.Parse(b, joined()); err != nil {
			return nil, refusal(err)
		}
	}
	merged := yupdate.Merge(parsed...)
	if b := merged.Encode(); len(b) <= messages.MaxUpdate {
		return [][]byte{b}, nil
	}
	var parts [][]byte
	for _, part := range merged.Parts(messages.MaxUpdate / 2) {
		parts = append(parts, part.Encode())
	}
	return parts, nil
}

// joined are the limits of what somebody sends who was away for long: up to a whole
// document.
func joined() yupdate.Limits {
	l := taken()
	l.Bytes, l.Structs = MaxSize, 1<<20
	return l
}

// refusal is what is said of an update, or of a state vector, that was not let in.
func refusal(err error) error {
	if errors.Is(err, yupdate.ErrLimit) {
		return messages.Refuse(messages.CodePayloadTooLarge, "%v", err)
	}
	return messages.Invalid("", "format", "%v", err)
}
