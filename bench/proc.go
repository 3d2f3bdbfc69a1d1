package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// ticks is the kernel's unit of CPU time in /proc, on every Linux.
const ticks = 100

// treeCPU is the CPU time, user and system, of a process and its descendants,
// children that have ended included.
func treeCPU(root int) time.Duration {
	parents, ended := map[int]int{}, map[int]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		fields, err := statFields(file)
		if err != nil {
			continue // ended meanwhile
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parents[pid], _ = strconv.Atoi(fields[1])
		ended[pid] = ticksOf(fields[13:15]) // cutime cstime
	}
	var sum time.Duration
	for pid, children := range ended {
		for at := pid; at > 0; at = parents[at] {
			if at == root {
				sum += children + ownCPU(pid)
				break
			}
		}
	}
	return sum
}

// ownCPU is that of the threads that a process has, to the nanosecond where the
// kernel tells: ticks are coarse beside the microseconds of a request.
func ownCPU(pid int) (sum time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, file := range tasks {
		text, _ := os.ReadFile(file)
		onCPU, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(onCPU, 10, 64)
		sum += time.Duration(n)
	}
	if len(tasks) > 0 {
		return sum
	}
	fields, err := statFields(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	return ticksOf(fields[11:13]) // utime stime
}

func ticksOf(fields []string) (sum time.Duration) {
	for _, field := range fields {
		n, _ := strconv.ParseInt(field, 10, 64)
		sum += time.Duration(n) * time.Second / ticks
	}
	return sum
}

// statFields are those of /proc/<pid>/stat behind the command, state first.
func statFields(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])), nil
}

// residentMiB is the resident memory of one process.
func residentMiB(pid int) float64 {
	kib, _ := strconv.ParseFloat(procField(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:"), 64)
	return kib / 1024
}

// forgetPeak has the kernel forget how much memory a process once had; peakMiB is
// what it had at most since then.
func forgetPeak(pid int) error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
}

func peakMiB(pid int) float64 {
	kib, _ := strconv.ParseFloat(procField(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:"), 64)
	return kib / 1024
}

// procField is the first word behind a name in a file of /proc.
func procField(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			if words := strings.Fields(rest); len(words) > 0 {
				return words[0]
			}
		}
	}
	return ""
}

// meter measures the CPU of the program and of Postgres between two calls.
type meter struct {
	program  []int // processes; none: there is no program
	postgres int   // 0: there is none
	first    [2]time.Duration
	spent    [2]time.Duration
	calls    int
}

func (m *meter) read() error {
	for i, pids := range [][]int{m.program, {m.postgres}} {
		var now time.Duration
		for _, pid := range pids {
			if pid > 0 {
				now += treeCPU(pid)
			}
		}
		if m.calls == 0 {
			m.first[i] = now
		}
		m.spent[i] = now - m.first[i]
	}
	m.calls++
	return nil
}

// charge puts what was spent in the measured time on the requests of it.
func (m *meter) charge(l lap, s span) lap {
	each := func(spent time.Duration) float64 { return spent.Seconds() * 1e6 / (l.Rate * s.measured.Seconds()) }
	l.Server, l.Postgres = each(m.spent[0]), each(m.spent[1])
	return l
}

// machine is on what was measured.
type machine struct {
	CPU      string
	Cores    int
	Memory   string
	Kernel   string
	Go       string
	Postgres string
	Settings string
	Sync     string // one small write made durable
	Load     string
}

func machineFacts(ctx context.Context, db *pgx.Conn) machine {
	m := machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Sync: syncTime().Round(10 * time.Microsecond).String()}
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			m.CPU = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
			break
		}
	}
	kib, _ := strconv.ParseFloat(procField("/proc/meminfo", "MemTotal:"), 64)
	m.Memory = fmt.Sprintf("%.0f GiB", kib/(1<<20))
	kernel, _ := exec.Command("uname", "-sr").Output()
	m.Kernel = strings.TrimSpace(string(kernel))
	load, _ := os.ReadFile("/proc/loadavg")
	m.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	_ = db.QueryRow(ctx, `SELECT 'Postgres ' || current_setting('server_version'),
		'fsync ' || current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit') || ', shared_buffers ' || current_setting('shared_buffers')`).
		Scan(&m.Postgres, &m.Settings)
	return m
}

// syncTime is the median time to write 8 KiB and make them durable, where
// Postgres has its data too.
func syncTime() time.Duration {
	file, err := os.CreateTemp("", "atelier-bench-sync")
	if err != nil {
		return 0
	}
	defer os.Remove(file.Name())
	defer file.Close()
	block := make([]byte, 8<<10)
	var took []float64
	for range 50 {
		began := time.Now()
		_, _ = file.Write(block)
		_ = file.Sync()
		took = append(took, float64(time.Since(began)))
	}
	return time.Duration(median(took))
}

func (m machine) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s, %d cores, %s, %s, %s\n%s: %s; a small write is durable after %s; load before: %s\nServer, Postgres and load share these cores.\n\n",
		m.CPU, m.Cores, m.Memory, m.Kernel, m.Go, m.Postgres, m.Settings, m.Sync, m.Load)
}
