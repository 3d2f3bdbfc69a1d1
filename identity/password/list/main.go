// Command list writes the block-list of passwords: the words that people choose
// most, alone and in pairs, walks over the keyboard and sequences. Short ones
// matter where a second factor allows them.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

const words = `password passw passwort motdepasse contrasena senha parola welcome letmein login admin administrator root user guest test
master default secret changeme hello monkey dragon shadow sunshine princess football baseball basketball soccer hockey superman batman
spiderman starwars pokemon nintendo iloveyou lovely loveyou forever trustno michael jordan jennifer jessica ashley daniel charlie thomas
robert andrew matthew joshua anthony william nicole amanda melissa hannah samantha summer winter spring autumn january february monday
friday sunday flower butterfly rainbow chocolate cookie banana orange cherry apple purple silver golden yellow diamond crystal ginger
pepper maggie buster tigger hunter killer ranger falcon eagle tiger lion panther dolphin horse freedom liberty america london paris
berlin madrid chelsea liverpool arsenal barcelona mustang ferrari porsche mercedes yamaha harley corvette computer internet google
facebook windows microsoft samsung iphone android whatever nothing anything something please mother father family jesus angel heaven
blessed qwerty asdfgh zxcvbn azerty qazwsx iloveu babygirl sweet baby honey darling music guitar money lucky magic power energy`

func main() {
	out := flag.String("out", "common.txt", "file to write")
	flag.Parse()
	list := slices.Concat(alone(), pairs(), walks(), sequences())
	slices.Sort(list)
	list = slices.Compact(list)
	if err := os.WriteFile(*out, []byte(strings.Join(list, "\n")+"\n"), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func alone() []string {
	list := strings.Fields(words)
	for _, w := range strings.Fields(words) {
		list = append(list, "my"+w, "the"+w, w+"s", w+"forever", w+"isthebest", "thisismy"+w, "mynew"+w, "mysecret"+w, w+w+w)
	}
	return append(list, "correcthorsebatterystaple", "thequickbrownfox", "thequickbrownfoxjumpsoverthelazydog", "tobeornottobe",
		"maytheforcebewithyou", "iloveyousomuch", "iloveyouforever", "idontknow", "idontremember", "nopasswordneeded",
		"thisisapassword", "thisisnotapassword", "pleaseletmein", "pleasechangeme", "changemeplease", "openthedoor", "opensesame",
		"administratorpassword", "passwordpassword", "supersecretpassword", "mysuperpassword", "averylongpassword", "longpassword")
}

func pairs() []string {
	var list []string
	each := strings.Fields(words)
	for _, a := range each {
		for _, b := range each {
			if len(a)+len(b) >= 13 {
				list = append(list, a+b)
			}
		}
	}
	return list
}

// walks are runs along the rows and columns of keyboards, forth and back.
func walks() []string {
	var list []string
	for _, row := range []string{
		"qwertyuiopasdfghjklzxcvbnm", "azertyuiopqsdfghjklmwxcvbn", "qwertzuiopasdfghjklyxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
		"qazwsxedcrfvtgbyhnujmikolp", "1q2w3e4r5t6y7u8i9o0p", "q1w2e3r4t5y6u7i8o9p0", "zaqxswcdevfrbgtnhymjukilop",
		"qwerty1234567890", "1234567890qwertyuiop", "asdfghjkl1234567890", "poiuytrewqlkjhgfdsamnbvcxz",
	} {
		back := []byte(row)
		slices.Reverse(back)
		for _, r := range []string{row, string(back)} {
			for size := 6; size <= len(r); size++ {
				for from := 0; from+size <= len(r); from++ {
					list = append(list, r[from:from+size])
				}
			}
		}
	}
	return list
}

func sequences() []string {
	var list []string
	for _, s := range []string{
		strings.Repeat("1234567890", 3), strings.Repeat("0987654321", 3), strings.Repeat("0123456789", 3), strings.Repeat("9876543210", 3),
		"abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba", "abcdefghijklmnopqrstuvwxyz1234567890", "1234567890abcdefghijklmnopqrstuvwxyz",
		"a1b2c3d4e5f6g7h8i9j0", "1a2b3c4d5e6f7g8h9i0j", "112233445566778899", "998877665544332211", "aabbccddeeffgghhiijj",
	} {
		for size := 6; size <= len(s); size++ {
			list = append(list, s[:size], s[len(s)-size:])
		}
	}
	return list
}
