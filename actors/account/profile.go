package account

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"atelier/messages"
)

// Update changes name and profile, and, by an administrator, roles. Fields that keep their value are left out of
// the event; a command that changes nothing decides nothing.
func Update(s *State, c *messages.UpdateAccount, _ time.Time) ([]messages.Event, error) {
	if err := selfOr(s, c, RoleAdmin); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	e := &messages.UserUpdated{UserId: string(s.ID)}
	if c.Name != nil {
		name, err := checkName(c.GetName())
		if err != nil {
			return nil, err
		}
		if name != s.Name {
			e.Name = proto.String(name)
		}
	}
	profile, err := changedProfile(&s.Profile, c.GetProfile())
	if err != nil {
		return nil, err
	}
	e.Profile = profile
	if c.GetSetRoles() {
		if e.Roles, err = newRoles(s, c, c.GetRoles()); err != nil {
			return nil, err
		}
	}
	if e.Name == nil && e.Profile == nil && e.Roles == nil {
		return nil, nil
	}
	return []messages.Event{e}, nil
}

func changedProfile(p *Profile, c *messages.ProfileChange) (*messages.ProfileChange, error) {
	if c == nil {
		return nil, nil
	}
	changed, any := &messages.ProfileChange{}, false
	for _, f := range []struct {
		name    string
		max     int
		current string
		asked   *string
		out     **string
	}{
		{"display_name", 100, p.DisplayName, c.DisplayName, &changed.DisplayName},
		{"avatar_url", 2048, p.AvatarURL, c.AvatarUrl, &changed.AvatarUrl},
		{"bio", 1000, p.Bio, c.Bio, &changed.Bio},
		{"location", 100, p.Location, c.Location, &changed.Location},
		{"timezone", 64, p.Timezone, c.Timezone, &changed.Timezone},
		{"locale", 35, p.Locale, c.Locale, &changed.Locale},
		{"website", 2048, p.Website, c.Website, &changed.Website},
	} {
		if f.asked == nil || *f.asked == f.current {
			continue
		}
		if utf8.RuneCountInString(*f.asked) > f.max {
			return nil, messages.Invalid("/profile/"+f.name, "out_of_range", "%s must have at most %d characters", f.name, f.max)
		}
		if (f.name == "avatar_url" || f.name == "website") && !webAddress(*f.asked) {
			return nil, messages.Invalid("/profile/"+f.name, "format", "%s must be an http or https address", f.name)
		}
		*f.out, any = f.asked, true
	}
	if !any {
		return nil, nil
	}
	return changed, nil
}

// webAddress keeps javascript: and the like out of links that others click.
func webAddress(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsAny(s, " \t\r\n")
}

// UpdatePreferences merges a patch into the preferences (RFC 7396).
func UpdatePreferences(s *State, c *messages.UpdatePreferences, _ time.Time) ([]messages.Event, error) {
	if err := self(s, c); err != nil {
		return nil, err
	}
	if err := expectVersion(s, c); err != nil {
		return nil, err
	}
	merged, err := mergePatch([]byte(s.Preferences), c.GetPatch())
	if err != nil {
		return nil, err
	}
	if len(merged) > MaxPreferences {
		return nil, messages.Invalid("", "out_of_range", "preferences must have at most %d bytes", MaxPreferences)
	}
	if string(merged) == s.Preferences {
		return nil, nil
	}
	return []messages.Event{&messages.UserUpdated{UserId: string(s.ID), Preferences: proto.String(string(merged))}}, nil
}

// mergePatch applies an RFC 7396 patch; both are JSON objects. Numbers keep
// their digits. Keys come out sorted, so that equal objects are equal bytes.
func mergePatch(target, patch []byte) ([]byte, error) {
	var into, from any
	if err := decodeNumbers(target, &into); err != nil {
		into = map[string]any{}
	}
	if err := decodeNumbers(patch, &from); err != nil {
		return nil, messages.Invalid("", "format", "preferences must be a JSON object")
	}
	if _, object := from.(map[string]any); !object {
		return nil, messages.Invalid("", "type", "preferences must be a JSON object")
	}
	var merged bytes.Buffer
	encoder := json.NewEncoder(&merged)
	encoder.SetEscapeHTML(false) // stored as long as it was sent
	err := encoder.Encode(merge(into, from))
	return bytes.TrimSuffix(merged.Bytes(), []byte("\n")), err
}

func merge(target, patch any) any {
	fields, object := patch.(map[string]any)
	if !object {
		return patch
	}
	into, object := target.(map[string]any)
	if !object {
		into = map[string]any{}
	}
	for key, value := range fields {
		if value == nil {
			delete(into, key)
		} else {
			into[key] = merge(into[key], value)
		}
	}
	return into
}

func decodeNumbers(b []byte, into *any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(into)
}
