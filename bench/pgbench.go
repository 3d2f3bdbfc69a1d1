package main

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// The transactions that pgbench runs. Each begins with what it stands for.
//
//go:embed sql/*.sql
var scripts embed.FS

var tps = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// pgbench is a contestant that runs a transaction over that many connections,
// prepared, on the tables of the program without the program.
func (r *rig) pgbench(name, script string, connections int) racer {
	return racer{"pgbench, " + name, func(ctx context.Context, s span) (lap, error) {
		text, err := scripts.ReadFile("sql/" + script + ".sql")
		if err != nil {
			return lap{}, err
		}
		file := filepath.Join(r.dir, script+".sql")
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return lap{}, err
		}
		seconds := int(math.Ceil((s.warm + s.measured).Seconds()))
		cmd := exec.CommandContext(ctx, "pgbench", "-n", "-M", "prepared", "-f", file, "-c", strconv.Itoa(connections), "-j", strconv.Itoa(min(connections, 2)),
			"-T", strconv.Itoa(seconds), r.alone)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			return lap{}, err
		}
		begin := time.Now().Add(s.warm)
		m := &meter{pids: [2]int{0, r.postmaster}}
		metering := metered(ctx, begin, begin.Add(s.measured), m.read)
		if err := cmd.Wait(); err != nil {
			return lap{}, fmt.Errorf("%w: %s", err, out.String())
		}
		found := tps.FindSubmatch(out.Bytes())
		if found == nil {
			return lap{}, fmt.Errorf("no rate in what pgbench said: %s", out.String())
		}
		rate, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			return lap{}, err
		}
		return m.charge(lap{Rate: rate}, s), metering
	}}
}
