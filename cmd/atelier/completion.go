package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// The scripts ask the program itself, so that they are never out of date.
const (
	bashCompletion = `_atelier() {
	local IFS=$'\n'
	COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _atelier atelier
`
	zshCompletion = `#compdef atelier
_atelier() {
	local -a found
	found=(${(f)"$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"})
	(( ${#found} )) && compadd -a found || _files
}
compdef _atelier atelier
`
	fishCompletion = `function __atelier
	set -l found (atelier complete -- (commandline -opc)[2..-1] "$(commandline -ct)" 2>/dev/null)
	if test -n "$found"
		printf '%s\n' $found
	else
		__fish_complete_path (commandline -ct)
	end
end
complete -c atelier -f -a '(__atelier)'
`
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish; for instance: source <(atelier completion bash)"`
}

// Run prints the script.
func (c *completionCommand) Run() error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := io.WriteString(os.Stdout, script)
	return err
}

type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints what the last word may become, one a line; nothing where that is
// for the shell to say, as with the names of files.
func (c *completeCommand) Run(k *kong.Kong) error {
	for _, candidate := range candidates(k.Model.Node, c.Words) {
		fmt.Println(candidate)
	}
	return nil
}

// candidates complete the last of the words behind the program's name.
func candidates(n *kong.Node, words []string) (found []string) {
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	flags := n.Flags
	var valueOf *kong.Flag // the flag whose value comes next
	for _, word := range words[:len(words)-1] {
		switch {
		case valueOf != nil:
			valueOf = nil
		case strings.HasPrefix(word, "--"):
			valueOf = wanting(flags, word)
		default:
			if i := slices.IndexFunc(n.Children, func(c *kong.Node) bool { return c.Name == word }); i >= 0 {
				n = n.Children[i]
				flags = append(flags[:len(flags):len(flags)], n.Flags...)
			}
		}
	}
	last := words[len(words)-1]
	switch {
	case valueOf != nil:
		found = values(valueOf.Value)
	case strings.HasPrefix(last, "-"):
		for _, flag := range flags {
			found = append(found, "--"+flag.Name)
		}
	default:
		for _, child := range n.Children {
			if !child.Hidden {
				found = append(found, child.Name)
			}
		}
		for _, argument := range n.Positional {
			found = append(found, values(argument)...)
		}
	}
	return slices.DeleteFunc(found, func(s string) bool { return !strings.HasPrefix(s, last) })
}

// wanting is the flag of that name, if it takes a value as the next word.
func wanting(flags []*kong.Flag, word string) *kong.Flag {
	for _, flag := range flags {
		if "--"+flag.Name == word && !flag.IsBool() {
			return flag
		}
	}
	return nil
}

func values(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}
