package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Seeds says where members of the cluster can be found.
type Seeds struct {
	Resolver *net.Resolver // of names; nil: the system's
	sources  []source
}

// source is one entry of the setting.
type source struct {
	text string // as it was written
	file string // its lines are entries without prefix; empty: host and port
	host string
	port uint16
}

// ParseSeeds reads a setting of entries separated by commas:
//
//	10.0.0.1:7946               an address
//	dns:atelier-nodes:7946      all addresses of a name, with that port
//	file:/etc/atelier/seeds     an address a line, # begins a comment
//
// Names and files are read whenever seeds are asked for. A host's name may stand
// for an address. An empty setting has no seeds.
func ParseSeeds(setting string) (Seeds, error) {
	var s Seeds
	if strings.TrimSpace(setting) == "" {
		return s, nil
	}
	for entry := range strings.SplitSeq(setting, ",") {
		parsed, err := parseSeed(strings.TrimSpace(entry))
		if err != nil {
			return Seeds{}, fmt.Errorf("seeds: %w", err)
		}
		s.sources = append(s.sources, parsed)
	}
	return s, nil
}

func parseSeed(entry string) (source, error) {
	if path, ok := strings.CutPrefix(entry, "file:"); ok {
		if path == "" {
			return source{}, fmt.Errorf("%q names no file", entry)
		}
		return source{text: entry, file: path}, nil
	}
	s, err := parseAddress(strings.TrimPrefix(entry, "dns:"))
	if err != nil {
		return source{}, fmt.Errorf("%q: %w", entry, err)
	}
	s.text = entry
	return s, nil
}

func parseAddress(text string) (source, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" || strings.ContainsAny(host, " \t/") {
		return source{}, errors.New("want host:port, dns:name:port or file:path")
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return source{}, fmt.Errorf("port %q: want a number from 1 to 65535", port)
	}
	return source{text: text, host: host, port: uint16(number)}, nil
}

// addresses are the seeds as IP address and port, as far as they can be found.
// What could not be read or resolved is in problems, by entry.
func (s Seeds) addresses(ctx context.Context) (found []string, problems map[string]error) {
	problems = map[string]error{}
	for _, src := range s.sources {
		entries := []source{src}
		if src.file != "" {
			entries = src.lines(problems)
		}
		for _, entry := range entries {
			ips, err := s.lookup(ctx, entry.host)
			if err != nil {
				problems[entry.text] = err
				continue
			}
			for _, ip := range ips {
				found = append(found, netip.AddrPortFrom(ip, entry.port).String())
			}
		}
	}
	return found, problems
}

func (s source) lines(problems map[string]error) (entries []source) {
	content, err := os.ReadFile(s.file)
	if err != nil {
		problems[s.text] = err
		return nil
	}
	for line := range strings.Lines(string(content)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		entry, err := parseAddress(line)
		if err != nil {
			problems[s.text+": "+line] = err
			continue
		}
		entries = append(entries, entry)
	}
	return entries
}

// lookup finds all addresses of a host. There is one at least, or an error.
func (s Seeds) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.Unmap()}, nil
	}
	resolver := s.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	ips, err := resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	return ips, nil
}
