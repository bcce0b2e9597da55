//go:build linux

package machine

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTreeHoldsChildren(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	if tree := Tree(os.Getpid()); !slices.Contains(tree, cmd.Process.Pid) {
		t.Fatalf("%v lacks the child %d", tree, cmd.Process.Pid)
	}
	if Resident([]int{cmd.Process.Pid}) <= 0 {
		t.Fatal("the child has no memory")
	}
}

func TestProcessesGrows(t *testing.T) {
	t.Parallel()
	me := []int{os.Getpid()}
	before := Processes(me)
	for Processes(me).Sub(before).Total <= 0 {
		_ = strings.Repeat("x", 1<<16)
	}
	if Busy() <= 0 {
		t.Fatal("the machine was never busy")
	}
}

func TestOnCPUIsInherited(t *testing.T) {
	t.Parallel()
	var want unix.CPUSet
	if err := unix.SchedGetaffinity(0, &want); err != nil {
		t.Fatal(err)
	}
	first := 0
	for !want.IsSet(first) {
		first++
	}
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := OnCPU(first, cmd.Start); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	var got unix.CPUSet
	if err := unix.SchedGetaffinity(cmd.Process.Pid, &got); err != nil {
		t.Fatal(err)
	}
	if got.Count() != 1 || !got.IsSet(first) {
		t.Fatalf("the child may run on %d CPUs", got.Count())
	}
}
