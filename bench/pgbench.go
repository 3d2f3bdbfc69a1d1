package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
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

var (
	tps     = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	nothing = regexp.MustCompile(`(?m)^number of transactions actually processed: 0$`)
)

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
		if s.warm > 0 {
			if _, err := r.transact(ctx, file, connections, s.warm, func() error { return nil }); err != nil {
				return lap{}, err
			}
		}
		// Its rate leaves connecting out, and so does the CPU: that of the middle.
		middle := span{warm: s.measured / 8, measured: s.measured * 3 / 4}
		m := &meter{postgres: r.postmaster}
		rate, err := r.transact(ctx, file, connections, s.measured, func() error {
			begin := time.Now().Add(middle.warm)
			return metered(ctx, begin, begin.Add(middle.measured), m.read)
		})
		if err == nil && rate == 0 {
			err = errors.New("pgbench got nothing done")
		}
		return m.charge(lap{Rate: rate}, middle), err
	}}
}

// transact runs pgbench, and meanwhile meter, for whole seconds. The rate is that
// of all of them: 0 where connecting took all the time.
func (r *rig) transact(ctx context.Context, file string, connections int, d time.Duration, meter func() error) (rate float64, err error) {
	cmd := exec.CommandContext(ctx, "pgbench", "-n", "-M", "prepared", "-f", file, "-c", strconv.Itoa(connections), "-j", strconv.Itoa(min(connections, 2)),
		"-T", strconv.Itoa(int(math.Ceil(d.Seconds()))), r.alone)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	metering := meter()
	if err := cmd.Wait(); err != nil {
		return 0, fmt.Errorf("%w: %s", err, out.String())
	}
	found := tps.FindSubmatch(out.Bytes())
	if found == nil && nothing.Match(out.Bytes()) {
		return 0, metering
	}
	if found == nil {
		return 0, fmt.Errorf("no rate in what pgbench said: %s", out.String())
	}
	rate, err = strconv.ParseFloat(string(found[1]), 64)
	return rate, errors.Join(err, metering)
}
