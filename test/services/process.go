package services

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is how long anything may take to start or stop.
const patience = 4 * time.Minute

// starter starts all children from one thread, since the death signal of a child
// comes when the thread that started it ends. No other goroutine can end the
// thread while it is locked, and unlocked at the end it goes back to the others
// of the process: it may itself have started a process of somebody else's.
var starter struct {
	mu       sync.Mutex
	children int
	work     chan func() // nil while there is no child
}

func start(work <-chan func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for f := range work {
		f()
	}
}

func (p *process) start() error {
	starter.mu.Lock()
	defer starter.mu.Unlock()
	if starter.work == nil {
		starter.work = make(chan func())
		go start(starter.work)
	}
	started := make(chan error)
	starter.work <- func() { started <- p.cmd.Start() }
	starter.children++
	err := <-started
	if err != nil {
		childEnded()
		return err
	}
	go p.wait()
	return nil
}

func (p *process) wait() {
	_ = p.cmd.Wait()
	starter.mu.Lock()
	defer starter.mu.Unlock()
	childEnded()
	close(p.done)
}

// childEnded is called with the lock held.
func childEnded() {
	if starter.children--; starter.children == 0 {
		close(starter.work)
		starter.work = nil
	}
}

// process is a child in a process group of its own.
type process struct {
	cmd  *exec.Cmd
	log  *log
	done chan struct{} // closed when it has ended
}

// spawn starts a child that ends with this process. It runs as nobody where
// this one is root.
func spawn(dir string, env []string, name string, args ...string) (*process, error) {
	out, err := openLog(dir)
	if err != nil {
		return nil, err
	}
	defer out.file.Close()
	p := &process{cmd: exec.Command(name, args...), log: out, done: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, env, out.file, out.file
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: nobody(), Cloneflags: namespace()}
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("services: start %s: %w", name, err)
	}
	return p, nil
}

// namespace is the flag that makes a child the first process of a namespace of
// its own, where that is allowed: the kernel then ends all its descendants with
// it, even those that are stopped and have left its process group.
var namespace = sync.OnceValue(func() uintptr {
	probe := exec.Command("true")
	probe.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if probe.Run() != nil {
		return 0
	}
	return syscall.CLONE_NEWPID
})

// run runs a child to its end.
func run(dir string, env []string, name string, args ...string) error {
	p, err := spawn(dir, env, name, args...)
	if err != nil {
		return err
	}
	<-p.done
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("services: %s: %s\n%s", name, p.cmd.ProcessState, p.log)
	}
	return nil
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal goes to the process and all its descendants: some services' children
// leave the process group. The root is first, so that one that is stopped cannot
// have more children meanwhile.
func (p *process) signal(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s)
	for _, pid := range descendants(p.cmd.Process.Pid) {
		_ = syscall.Kill(pid, s)
	}
}

// kill ends the whole tree without a warning. The root is stopped first, so that
// it cannot replace the children that die.
func (p *process) kill() {
	if p == nil || !p.running() {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	for _, pid := range descendants(p.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = p.cmd.Process.Kill()
	<-p.done
}

// end asks the process to stop, and kills it when it does not.
func (p *process) end(s syscall.Signal) {
	if p == nil || !p.running() {
		return
	}
	_ = p.cmd.Process.Signal(s)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.kill()
	}
}

// await asks until ready says yes or the process has ended.
func (p *process) await(what string, ready func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		if !p.running() {
			return fmt.Errorf("services: %s ended: %s", what, p.log)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("services: %s is not ready: %w\n%s", what, err, p.log)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// awaitLine waits until the process says that it is ready.
func (p *process) awaitLine(what, line string) error {
	return p.await(what, func() error {
		if !strings.Contains(p.log.String(), line) {
			return errors.New("it is still starting")
		}
		return nil
	})
}

// descendants are the processes below root, the deepest first.
func descendants(root int) []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, _ := strconv.Atoi(fields[1])
		children[parent] = append(children[parent], pid)
	}
	var all []int
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		for _, child := range children[queue[0]] {
			all, queue = append([]int{child}, all...), append(queue, child)
		}
	}
	return all
}

func nobody() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return nil
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// log is the file that holds what a server says, from the start of one process
// on. A file and not a pipe: no goroutine has to read it, and a server that this
// process leaves behind cannot block on it.
type log struct {
	file *os.File
	from int64
}

func openLog(dir string) (*log, error) {
	f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	from, err := f.Seek(0, io.SeekEnd)
	return &log{f, from}, err
}

// String is the end of it, at most 32 KiB.
func (l *log) String() string {
	f, err := os.Open(l.file.Name())
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	from := l.from
	if end, err := f.Seek(0, io.SeekEnd); err == nil {
		from = max(from, end-32<<10)
	}
	text, _ := io.ReadAll(io.NewSectionReader(f, from, 32<<10))
	return string(text)
}
